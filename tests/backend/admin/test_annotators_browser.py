"""The pages of annotators in a real Chromium: decided by keys alone."""

import pytest
from playwright.sync_api import expect

from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Gold
from tests.backend.admin.browsing import NewPage, press
from tests.backend.admin.people_data import SHARED, add_shared_work

pytestmark = pytest.mark.real

ANNOTATORS = "/projects/general/annotators"


@pytest.fixture
def shared(filled: Database) -> Database:
    """Two people have annotated the same documents, one of them without reading."""
    with filled.write() as session:
        add_shared_work(session, project_by_key(session, "general"))
    return filled


def test_a_disagreement_is_decided_by_keys_alone(new_page: NewPage, shared: Database) -> None:
    page = new_page(ANNOTATORS)
    expect(page.get_by_test_id("flag")).to_contain_text("more than chance allows")
    page.get_by_role("link", name="Agreement").click()
    page.wait_for_url("**/agreement")
    badge = page.get_by_test_id("disagreement").first.locator(".badge")
    expect(badge).to_have_text("waits for a decision")
    press(page, "o")
    page.wait_for_url("**/duplicates/*")
    number = int(page.url.rsplit("/", 1)[1])
    press(page, "1")
    expect(page.get_by_test_id("flashes")).to_be_visible()
    with shared.read() as session:
        assert session.get_one(Gold, number).source == "decision"


def test_what_waits_is_settled_and_taken_back(new_page: NewPage, shared: Database) -> None:
    page = new_page(f"{ANNOTATORS}/agreement", viewport={"width": 400, "height": 800})
    page.get_by_role("button", name="Take what is there").click()
    expect(page.get_by_test_id("waiting")).to_have_count(0)
    with shared.read() as session:
        assert session.get(Gold, SHARED + 1) is not None
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("waiting")).to_be_visible()
