"""What tests of curators in Chromium share: how they sign in, and what their keys reach."""

from playwright.sync_api import Locator, Page, expect

from backend.db.accounts import account_by_email, add_account
from backend.db.tables import Role
from backend.demo.stack import Stack
from tests.backend.admin.browsing import SCREENSHOTS, assert_fits, assert_focus_seen, violations
from tests.e2e.conftest import Loop

PASSWORD = "tests-only-password"
MOST_TABS = 150


def add_curator(stack: Stack, email: str) -> None:
    """An account of a curator of the test's own."""
    with stack.context.database.write() as session:
        if account_by_email(session, email) is None:
            add_account(session, email, role=Role.CURATOR, password=PASSWORD)


def sign_in_by_keys(page: Page, stack: Stack, email: str) -> None:
    """Sign in without a mouse, in whatever language."""
    page.goto(f"{stack.settings.public_url}/login")
    expect(page.locator("#email")).to_be_focused()
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.wait_for_load_state("load")


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus, which is seen wherever it comes by.

    Live parts may put another element in its place meanwhile.
    """
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue  # once round, past the window's own
        assert_focus_seen(page)
        if target.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab does not reach {target}")


def open_by_keys(page: Page, target: Locator) -> None:
    """Go where a link or a button leads."""
    tab_to(page, target)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.wait_for_load_state("load")


def wait_shown(loop: Loop, page: Page, path: str, selector: str) -> None:
    """Open a page until what workers make for it is there."""

    def shown() -> bool:
        page.goto(path)
        return page.locator(selector).count() > 0

    loop.wait(shown, f"{selector} of {path}")


def keep(page: Page, name: str) -> None:
    """Keep a screenshot of a page, which fits and breaks no rule for everybody's tools."""
    assert_fits(page)
    assert violations(page) == []
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def strike(page: Page, key: str) -> None:
    """Strike a key of the page's own that opens another page."""
    page.wait_for_load_state("load")
    with page.expect_navigation():
        page.keyboard.press(key)
    page.wait_for_load_state("load")
