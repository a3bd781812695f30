"""In Chromium: an annotator on Label Studio's own page, a curator on ours."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db.tables import AnnotationState, Document, Gold, RunState
from backend.demo.annotator import newest_prediction
from backend.demo.seed import ACCOUNTS, Role, make_accounts
from backend.workflow.correct import clean
from backend.workflow.label_studio.instructions import SENTENCE, evidence_address
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import parse_label_config

pytestmark = pytest.mark.real

PARTICLES = set("은는이가을를과와의에로도")
SCREENSHOTS = Path("build/screenshots")


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


@pytest.fixture(scope="module")
def loop(new_loop):
    """A project of these tests' own: they bring in tasks that no corpus knows."""
    return new_loop("browser", retrain_threshold=1000)


@dataclass
class PreLabelled:
    """A task that the loop pre-labelled: an emoji before, a particle glued to an entity."""

    task_id: int
    text: str
    entities: list[Entity]
    glued: Entity


def pre_labelled(loop) -> PreLabelled:
    """Bring texts into Label Studio as others would, and wait for our tagger's predictions."""
    client, project = loop.stack.context.label_studio, loop.project
    texts = ["😀 " + document.text for document in loop.corpus.train_gold if document.entities]
    tasks = client.import_tasks(
        project.label_studio_id, [{"data": {"text": text}} for text in texts]
    )
    loop.wait(
        lambda: (
            len(
                set(client.prediction_tasks(project.label_studio_id, loop.champion.name)) & {*tasks}
            )
            == len(tasks)
        ),
        "predictions of new tasks",
    )
    control = parse_label_config(project.label_config)
    for task_id, text in zip(tasks, texts, strict=True):
        shown = newest_prediction(client.task(task_id))
        entities, _ = clean(shown["result"], text, control)
        for entity in entities:
            surface = text[entity.start : entity.end]
            glued = text[entity.end : entity.end + 1] in PARTICLES
            alone = [text[e.start : e.end] for e in entities].count(surface) == 1
            if glued and alone and entity.label != "행정구역":
                return PreLabelled(task_id, text, entities, entity)
    raise AssertionError("no pre-label of an entity with a particle glued to it")


def test_a_correction_on_label_studios_page_reaches_our_database(loop, label_studio, page):
    project, version, task = loop.project, loop.champion, pre_labelled(loop)

    page.goto(f"{label_studio.url}/user/login/")
    page.fill("input[name=email]", label_studio.email)
    page.fill("input[name=password]", label_studio.password)
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "/user/login" not in url)
    page.goto(f"{label_studio.url}/projects/{project.label_studio_id}/data?task={task.task_id}")
    highlights = page.locator(".htx-highlight")
    highlights.first.wait_for()
    surfaces = [task.text[entity.start : entity.end] for entity in task.entities]
    assert highlights.all_text_contents() == surfaces
    page.screenshot(path=SCREENSHOTS / "label-studio-pre-labels.png")
    page.get_by_role("button", name="Instructions").click()
    link = page.get_by_role("link", name=SENTENCE)
    link.wait_for()
    assert link.get_attribute("href") == evidence_address(loop.stack.settings, project.key)
    page.screenshot(path=SCREENSHOTS / "label-studio-instructions.png")
    page.keyboard.press("Escape")
    link.wait_for(state="hidden")

    highlights.nth(task.entities.index(task.glued)).click()
    page.keyboard.press("9")  # the hotkey of 행정구역
    with page.expect_response(lambda answer: "/annotations" in answer.url and answer.ok):
        page.get_by_label("Submit current annotation").click()

    def corrected() -> AnnotationState | None:
        with loop.stack.context.database.read() as session:
            return session.scalars(
                select(AnnotationState)
                .join(Document, Document.id == AnnotationState.document_id)
                .where(Document.task_id == task.task_id, Document.project_id == project.id)
            ).first()

    loop.wait(lambda: corrected() is not None, "the correction in our database")
    state = corrected()
    wanted = {(e.start, e.end, e.label) for e in task.entities if e != task.glued}
    wanted.add((task.glued.start, task.glued.end, "행정구역"))
    assert {(e["start"], e["end"], e["label"]) for e in state.entities} == wanted
    assert state.version_name == version.name
    assert state.correction["kept"] == len(task.entities) - 1
    assert state.correction["relabelled"] == 1
    with loop.stack.context.database.read() as session:
        assert session.get(Document, state.document_id).text == task.text
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
    page.get_by_test_id("running-job").wait_for()
    page.screenshot(path=SCREENSHOTS / "project-training.png", full_page=True)

    run = loop.watch(after=last_run)
    assert run.state == RunState.PROMOTED
    loop.published()
    after = loop.champion.name
    assert after != before
    page.get_by_test_id("champion-name").filter(has_text=after).wait_for()
    page.screenshot(path=SCREENSHOTS / "project-published.png", full_page=True)
