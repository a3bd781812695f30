"""In Chromium: an annotator on Label Studio's own page, a curator on ours."""

from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db.tables import AnnotationState, Document, Gold, RunState
from backend.demo.seed import ACCOUNTS, Role, make_accounts
from backend.workflow.select import place
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import parse_label_config, to_regions

pytestmark = pytest.mark.real

TEXT = "😀 최예나는 어제 롯데와 계약했다 👍🏽"
PRE_LABELS = [Entity(2, 5, "사람", 0.9), Entity(10, 12, "조직/기관", 0.8)]
SCREENSHOTS = Path("build/screenshots")


@pytest.fixture
def page(chromium):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def test_a_correction_on_label_studios_page_reaches_our_database(loop, label_studio, page):
    project, version = loop.project, loop.champion
    regions, _ = to_regions(PRE_LABELS, TEXT, parse_label_config(project.label_config))
    prediction = {"result": regions, "score": place(1), "model_version": version.name}
    client = loop.stack.context.label_studio
    (task_id,) = client.import_tasks(
        project.label_studio_id, [{"data": {"text": TEXT}, "predictions": [prediction]}]
    )

    page.goto(f"{label_studio.url}/user/login/")
    page.fill("input[name=email]", label_studio.email)
    page.fill("input[name=password]", label_studio.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    page.goto(f"{label_studio.url}/projects/{project.label_studio_id}/data?task={task_id}")
    highlights = page.locator(".htx-highlight")
    highlights.first.wait_for()
    assert highlights.all_text_contents() == ["최예나", "롯데"]
    page.screenshot(path=SCREENSHOTS / "label-studio-pre-labels.png")

    highlights.filter(has_text="롯데").click()
    page.keyboard.press("9")  # the hotkey of 행정구역
    with page.expect_response(lambda answer: "/annotations" in answer.url and answer.ok):
        page.get_by_label("Submit current annotation").click()

    def corrected() -> AnnotationState | None:
        with loop.stack.context.database.read() as session:
            return session.scalars(
                select(AnnotationState)
                .join(Document, Document.id == AnnotationState.document_id)
                .where(Document.task_id == task_id, Document.project_id == project.id)
            ).first()

    loop.wait(lambda: corrected() is not None, "the correction in our database")
    state = corrected()
    assert [(e["start"], e["end"], e["label"]) for e in state.entities] == [
        (2, 5, "사람"),
        (10, 12, "행정구역"),
    ]
    assert state.version_name == version.name
    assert state.correction["kept"] == 1
    assert state.correction["relabelled"] == 1
    with loop.stack.context.database.read() as session:
        assert session.get(Document, state.document_id).text == TEXT
        assert session.get(Gold, state.document_id).entities == state.entities


def test_a_curator_presses_retrain_now_and_sees_it_finish(loop, page):
    url, last_run = loop.stack.settings.public_url, loop.last_run()
    loop.configure(gate_margin=1.0, gate_class_margin=1.0)
    password = make_accounts(loop.stack)[Role.CURATOR]
    page.goto(f"{url}/projects/{loop.key}")
    page.fill("input[name=email]", ACCOUNTS[Role.CURATOR])
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(f"**/projects/{loop.key}")
    before = loop.champion.name
    page.get_by_role("button", name="Retrain now").click()
    page.get_by_test_id("run").wait_for()
    page.screenshot(path=SCREENSHOTS / "project-training.png", full_page=True)

    run = loop.watch(after=last_run)
    assert run.state == RunState.PROMOTED
    loop.published()
    after = loop.champion.name
    assert after != before
    page.get_by_test_id("champion").filter(has_text=after).wait_for()
    page.screenshot(path=SCREENSHOTS / "project-published.png", full_page=True)
