"""The pages of duplicates in a real Chromium: a conflict settled by keys alone, and undone."""

import pytest
from playwright.sync_api import expect

from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.loop.survey import take_survey
from tests.backend.admin.browsing import NewPage, press
from tests.backend.admin.gold_data import add_gold_documents

pytestmark = pytest.mark.real

DUPLICATES = "/projects/empty/duplicates"


@pytest.fixture(autouse=True)
def _copies(filled: Database) -> None:
    with filled.write() as session:
        project = project_by_key(session, "empty")
        documents = add_gold_documents(session, project)
        documents[2].near_id = documents[3].near_id = documents[2].id
        project_id = project.id
    take_survey(filled, project_id)


def test_a_conflict_is_opened_decided_and_undone_by_keys(new_page: NewPage) -> None:
    page = new_page(DUPLICATES)
    press(page, "o")
    expect(page.get_by_test_id("exact")).to_contain_text("relabelled")
    held = "{key: '2', repeat: true, bubbles: true, cancelable: true}"
    assert page.evaluate(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {held}))")
    press(page, "2")
    expect(page.get_by_test_id("flashes")).to_contain_text("gold of 2 documents")
    expect(page.get_by_test_id("decided")).to_contain_text("gold-1")
    expect(page.get_by_test_id("exact")).to_have_count(0)
    press(page, "u")
    expect(page.get_by_test_id("flashes")).to_contain_text("taken back from 2 documents")
    expect(page.get_by_test_id("exact")).to_have_count(1)
    press(page, "b")
    expect(page.get_by_test_id("finding")).to_have_count(1)
