"""A curator's day in Chromium, on the real stack."""

import subprocess
import sys
import tarfile
from pathlib import Path

import orjson
import pytest
from sqlalchemy import func, select

from backend.db.tables import Document, Gold, GoldSource, RunState
from backend.db.tables_of_autolabel import Autolabel, AutolabelState
from backend.db.tables_of_releases import Release
from backend.demo.seed import ACCOUNTS, Role, make_accounts
from backend.workflow.duplicates.normal_form import group_key
from tests.e2e.curating import keep

pytestmark = pytest.mark.real

GOLDLOOP = Path(sys.executable).with_name("goldloop")
TEXT = "이순신은 여수에서 거북선을 만들었다."


@pytest.fixture
def loop(curated):
    return curated


@pytest.fixture
def page(chromium, loop):
    """The curator's browser, signed in."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"{loop.stack.settings.public_url}/login")
    page.fill("input[name=email]", ACCOUNTS[Role.CURATOR])
    page.fill("input[name=password]", make_accounts(loop.stack)[Role.CURATOR])
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/login" not in url)
    yield page
    context.close()


def section(page, loop, name: str) -> None:
    page.goto(f"{loop.stack.settings.public_url}/projects/{loop.key}")
    with page.expect_navigation():
        page.get_by_role("navigation", name="Project").get_by_role("link", name=name).click()


def count(loop, statement) -> int:
    with loop.stack.context.database.read() as session:
        return session.scalar(statement) or 0


def test_a_curators_day(loop, page, tmp_path):
    home = f"{loop.stack.settings.public_url}/projects/{loop.key}"

    # a conflict stands in the attention list; it is settled once, for both copies
    def conflict_is_told() -> bool:
        page.goto(home)
        return page.get_by_test_id("path").get_by_text("labelled differently").count() > 0

    section(page, loop, "Duplicates")
    with page.expect_navigation():
        page.get_by_role("button", name="Look over all copies again").click()
    loop.wait(conflict_is_told, "the conflict in the attention list")
    keep(page, "day-1-attention")
    page.get_by_test_id("path").get_by_text("labelled differently").click()
    page.get_by_test_id("finding").filter(has_text="여수").get_by_role("link").first.click()
    page.get_by_test_id("exact").wait_for()
    keep(page, "day-2-conflict")
    page.wait_for_load_state("load")
    page.keyboard.press("2")
    page.get_by_test_id("decided").wait_for()
    with loop.stack.context.database.read() as session:
        gold = session.scalars(
            select(Gold)
            .join(Document, Document.id == Gold.document_id)
            .where(Document.group_key == group_key(TEXT), Gold.project_id == loop.project.id)
        ).all()
    assert {one.source for one in gold} == {GoldSource.DECISION}
    assert len({orjson.dumps(one.entities) for one in gold}) == 1

    # twenty autolabels are accepted, one more with a key; that one is taken back
    by_person = (
        select(func.count())
        .select_from(Autolabel)
        .where(Autolabel.project_id == loop.project.id, Autolabel.state == AutolabelState.BY_PERSON)
    )
    accepted = count(loop, by_person)
    loop.wait(lambda: loop.pending() > 25, "autolabels")  # workers may still be at it
    section(page, loop, "Autolabel")
    page.get_by_test_id("item").first.wait_for()
    keep(page, "day-3-autolabels")
    page.fill("#count", "20")
    with page.expect_navigation():
        page.get_by_test_id("accept-first").click()
    page.get_by_test_id("flashes").wait_for()
    assert count(loop, by_person) == accepted + 20
    section(page, loop, "Autolabel")
    page.get_by_test_id("item").first.wait_for()
    while page.locator("[data-key=a]").count() == 0:  # only chance may choose that one
        with page.expect_navigation():
            page.keyboard.press("n")
    page.wait_for_load_state("load")
    page.keyboard.press("a")
    page.get_by_test_id("flashes").get_by_role("button", name="Undo").wait_for()
    assert count(loop, by_person) == accepted + 21
    page.wait_for_load_state("load")
    with page.expect_navigation():
        page.keyboard.press("u")
    loop.wait(lambda: count(loop, by_person) == accepted + 20, "one acceptance undone")

    # a minimum support, seen before it is set
    section(page, loop, "Labels")
    page.fill("#min-support", "3")
    page.get_by_test_id("foreseen").wait_for()
    keep(page, "day-4-labels")
    with page.expect_navigation():
        page.get_by_test_id("apply").click()
    page.get_by_test_id("flashes").wait_for()

    # retrain, watch, compare, roll back
    last_run, before = loop.last_run(), loop.champion.name
    section(page, loop, "Models")
    with page.expect_navigation():
        page.get_by_test_id("retrain").click()
    page.get_by_test_id("queue").wait_for()
    run = loop.watch(after=last_run)
    assert run.state == RunState.PROMOTED, run.reason
    loop.published()
    after = loop.champion.name
    section(page, loop, "Models")
    page.get_by_test_id("version").filter(has_text=after).first.wait_for()
    keep(page, "day-5-models")
    page.get_by_role("button", name="Show the difference").click()
    page.get_by_test_id("difference").wait_for()
    keep(page, "day-6-compared")
    section(page, loop, "Models")
    with page.expect_navigation():
        page.get_by_role("button", name=f"Roll back to {before}").click()
    loop.published()
    assert loop.champion.name == before

    # a release: built, downloaded, verified by the command
    releases = (
        select(func.count()).select_from(Release).where(Release.project_id == loop.project.id)
    )
    made = count(loop, releases)
    section(page, loop, "Releases")
    with page.expect_navigation():
        page.get_by_test_id("build").click()
    loop.wait(lambda: count(loop, releases) == made + 1, "the release")
    section(page, loop, "Releases")
    keep(page, "day-7-releases")
    page.get_by_test_id("release").get_by_role("link").first.click()
    with page.expect_download() as download:
        page.get_by_test_id("everything").click()
    keep(page, "day-8-release")
    archive = tmp_path / "release.tar"
    download.value.save_as(archive)
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path / "release", filter="data")
    manifest = next((tmp_path / "release").rglob("manifest.json"))
    verified = subprocess.run(
        [GOLDLOOP, "release", "verify", "--folder", str(manifest.parent)],
        env=loop.stack.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
