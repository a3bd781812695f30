"""The pages of settings in a real Chromium: tokens by hand, the connection by a key."""

import pytest
from playwright.sync_api import expect

from backend.db.audit_log import record
from backend.db.session import Database
from tests.backend.admin.browsing import NewPage, press
from tests.backend.admin.filled import LONG

pytestmark = pytest.mark.real

GENERAL = "/projects/general/settings"


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


def test_changes_are_read_on_a_narrow_screen_without_scrolling_sideways(
    new_page: NewPage, filled: Database
) -> None:
    with filled.write() as session:
        record(session, LONG, "set_settings", before={"gate": 1}, after={"encoder": "long-" * 20})
    page = new_page("/changes", email="admin@example.com")
    page.set_viewport_size({"width": 400, "height": 900})
    changes = page.locator(".changes-list")
    expect(changes.get_by_text("long-long-")).to_be_in_viewport()
    assert changes.evaluate("its => its.scrollWidth <= its.clientWidth")
