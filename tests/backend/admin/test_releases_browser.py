"""Releases in a real Chromium: one is built, cancelled, verified, compared and downloaded."""

import json
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from backend.context import Context
from backend.db.session import Database
from backend.db.tables import Gold, Project
from backend.loop import release_jobs
from backend.opened import opened_by
from tests.backend.admin.browsing import NewPage
from tests.backend.workflow.releases.gold import add_project, import_gold, lines

pytestmark = pytest.mark.real

RELEASES = "/projects/p/releases"


@pytest.fixture(autouse=True)
def _gold(filled: Database, tmp_path: Path) -> None:
    add_project(filled)
    import_gold(filled, tmp_path, lines(40))


@pytest.fixture
def context(app: Flask) -> Context:
    opened = opened_by(app)
    assert isinstance(opened, Context)
    return opened


def change_gold(database: Database) -> None:
    """One entity goes from the gold of one document."""
    with database.write() as session:
        project = session.scalars(select(Project).where(Project.key == "p")).one()
        project.gold_revision += 1
        found = select(Gold).where(Gold.project_id == project.id).order_by(Gold.document_id)
        gold = session.scalars(found.limit(1)).one()
        gold.entities, gold.revision = gold.entities[:1], project.gold_revision


def build(page: Page, context: Context) -> None:
    """Build a release; the worker's part is done here, the page looks by itself."""
    page.get_by_test_id("build").click()
    expect(page.get_by_test_id("running-job")).to_contain_text("asked by curator@example.com")
    release_jobs.run(context, "p", "make")
    expect(page.get_by_test_id("job-done")).to_be_visible()


def test_a_release_is_built_verified_compared_and_downloaded(
    new_page: NewPage, context: Context, filled: Database
) -> None:
    page = new_page(RELEASES)
    page.get_by_label("Note").fill("첫 릴리스")
    page.get_by_test_id("build").click()
    page.get_by_test_id("cancel").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("asked to stop")
    release_jobs.run(context, "p", "make")
    expect(page.get_by_test_id("job-cancelled")).to_be_visible()
    build(page, context)
    change_gold(filled)
    build(page, context)
    page.get_by_role("link", name="Open it").click()
    expect(page.get_by_role("heading", name="Release 2")).to_be_visible()
    page.get_by_test_id("verify").click()
    expect(page.get_by_test_id("running-job")).to_be_visible()
    release_jobs.run(context, "p", "verify-2")
    expect(page.get_by_test_id("verified")).to_contain_text("Verified: every byte")
    with page.expect_download() as sent:
        page.get_by_test_id("download").click()
    written = Path(sent.value.path()).read_text("utf-8").splitlines()
    assert len(written) == 44
    assert all(json.loads(line)["entities"] for line in written)
    page.get_by_role("button", name="Compare").click()
    release_jobs.run(context, "p", "compare-1-2")
    expect(page.get_by_test_id("difference")).to_contain_text("Changed")
    expect(page.get_by_text("Changed documents")).to_be_visible()
