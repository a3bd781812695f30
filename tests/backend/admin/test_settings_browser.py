"""The pages of settings in a real Chromium: wide and narrow, for everybody's tools, by keyboard."""

import pytest
from playwright.sync_api import Browser, expect

from backend.db.audit_log import record
from backend.db.members import note_member
from backend.db.projects import project_by_key
from backend.db.session import Database
from tests.backend.admin.filled import LONG
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import WIDTHS, address, assert_fits, sign_in

__all__ = ("address",)

pytestmark = pytest.mark.real

PAGES = (
    "/tokens",
    "/changes",
    "/api",
    "/projects/general/settings",
    "/projects/general/settings/label-studio",
    "/projects/general/settings/members",
    "/projects/general/settings/changes",
    "/projects/empty/settings/members",
)


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


def test_the_pages_fit_and_have_no_serious_violation(
    chromium: Browser, address: str, busy: None
) -> None:
    found: dict[str, list[str]] = {}
    context = chromium.new_context(locale="en-GB", bypass_csp=True)
    page = context.new_page()
    sign_in(page, address, LONG)
    for width, height in WIDTHS.values():
        page.set_viewport_size({"width": width, "height": height})
        for path in PAGES:
            page.goto(address + path)
            if path == "/api":
                page.locator("#make_token summary").click()
            assert_fits(page)
            found[f"{path} {width}"] = violations(page)
    context.close()
    assert {where: what for where, what in found.items() if what} == {}


def test_a_token_is_made_and_revoked_by_hand(chromium: Browser, address: str) -> None:
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    sign_in(page, address, "admin@example.com")
    page.get_by_role("link", name="Accounts").click()
    page.get_by_role("link", name="API tokens").click()
    page.get_by_label("Name").fill("밤 백업")
    page.get_by_label("gold:read").check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_test_id("shown")).to_contain_text("gl_")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_test_id("token")).to_have_attribute("data-state", "revoked")
    context.close()


def test_the_connection_is_tested_by_a_key(chromium: Browser, address: str) -> None:
    context = chromium.new_context(locale="en-GB")
    page = context.new_page()
    sign_in(page, address)
    page.goto(f"{address}/projects/general/settings/label-studio")
    page.wait_for_load_state("load")
    page.keyboard.press("t")
    expect(page.get_by_test_id("look-address")).to_contain_text("LABEL_STUDIO_URL")
    expect(page.get_by_test_id("look-token")).to_contain_text("could not be looked at")
    context.close()
