"""The pages of settings in a real Chromium: wide and narrow, for everybody's tools, by keyboard."""

import pytest
from playwright.sync_api import Page, expect

from backend.db.audit_log import record
from backend.db.members import note_member
from backend.db.projects import project_by_key
from backend.db.session import Database
from tests.backend.admin.browsing import NewPage, look_over, press, unfold
from tests.backend.admin.filled import LONG

pytestmark = pytest.mark.real

GENERAL = "/projects/general/settings"
PAGES = {
    "tokens": "/tokens",
    "changes": "/changes",
    "api": "/api",
    "settings-label-studio": f"{GENERAL}/label-studio",
    "members": f"{GENERAL}/members",
    "settings-changes": f"{GENERAL}/changes",
    "members-empty": "/projects/empty/settings/members",
}


@pytest.fixture
def busy(filled: Database) -> None:
    """Changes and members with long names."""
    with filled.write() as session:
        project = project_by_key(session, "general")
        for number in range(1, 5):
            note_member(session, project.id, number)
        record(
            session,
            f"{LONG} (token 밤마다 내려받는 백업)",
            "settings.change",
            project_id=project.id,
            subject="general",
            before={"gate_margin": 0.02, "training.encoder": "monologg/koelectra-base-v3"},
            after={"gate_margin": 0.05, "training.encoder": "builtin"},
        )


@pytest.mark.usefixtures("busy")
def test_the_pages_fit_and_have_no_serious_violation(new_page: NewPage) -> None:
    def one_unfolded(page: Page) -> None:  # all of the API's are too many for axe
        if page.url.endswith("/api"):
            page.locator("#make_token summary").click()
        else:
            unfold(page)

    look_over(new_page, PAGES, email=LONG, prepare=one_unfolded)


def test_a_token_is_made_and_revoked_by_hand(new_page: NewPage) -> None:
    page = new_page(email="admin@example.com")
    page.get_by_role("link", name="Accounts").click()
    page.get_by_role("link", name="API tokens").click()
    page.get_by_label("Name").fill("밤 백업")
    page.get_by_label("gold:read").check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_test_id("shown")).to_contain_text("gl_")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_test_id("token")).to_have_attribute("data-state", "revoked")


def test_the_connection_is_tested_by_a_key(new_page: NewPage) -> None:
    page = new_page(f"{GENERAL}/label-studio")
    press(page, "t")
    expect(page.get_by_test_id("look-address")).to_contain_text("LABEL_STUDIO_URL")
    expect(page.get_by_test_id("look-token")).to_contain_text("could not be looked at")
