"""The pages in a real Chromium: signing in, and what each of them has to be at every width."""

from collections.abc import Callable, Mapping
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.backend.admin.filled import PASSWORD

NewPage = Callable[..., Page]

SCREENSHOTS = Path("build/screenshots")
WIDTHS = (1440, 1024, 400)
LEVELS = ("serious", "critical")
CURATOR = "curator@example.com"
UNFOLDED = 20  # all of the API's are too many for axe
UNSEEN = """() => {
    const one = document.activeElement, box = one.getClientRects()[0];
    const middle = (from, to, end) => (Math.max(0, from) + Math.min(end, to)) / 2;
    const there = document.elementFromPoint(
        middle(box.left, box.right, innerWidth), middle(box.top, box.bottom, innerHeight));
    const shown = there && (one.contains(there) || there.contains(one) || there.closest("label"));
    return shown && getComputedStyle(one).outlineStyle !== "none" ? "" : one.outerHTML;
}"""
AXE = Axe().axe_script
COLOURS = {"runOnly": ["color-contrast"]}  # of axe's rules
BUT_COLOURS = {"rules": {"color-contrast": {"enabled": False}}}


def sign_in(page: Page, email: str = CURATOR) -> None:
    """Sign in by the form; the page's context knows the address."""
    page.goto("/")
    page.locator("[name=email]").fill(email)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator(".door-form [type=submit]").click()
    expect(page.locator(".projects")).to_be_visible()


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window, and nothing sticks out of its card.

    Charts follow the window a moment later, so it is looked at until it is so.
    """
    fits = "document.documentElement.scrollWidth <= window.innerWidth"
    wide = "[...document.querySelectorAll('.card')].filter(c => c.scrollWidth > c.clientWidth)"
    for _ in range(20):
        if page.evaluate(f"{fits} && {wide}.length === 0"):
            return
        page.wait_for_timeout(100)
    assert page.evaluate(fits), page.url
    assert page.evaluate(f"{wide}.map(card => card.innerText.slice(0, 60))") == []


def violations(page: Page, rules: Mapping[str, object] | None = None) -> list[str]:
    """What axe finds serious or worse, with the elements it finds it in; by all rules or some."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = {"reporter": "no-passes", "resultTypes": ["violations"], **(rules or {})}
    found = page.evaluate("options => axe.run(options).then(told => told.violations)", options)
    return [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}"
        for one in found
        if one["impact"] in LEVELS
    ]


def listen(page: Page) -> list[str]:
    """What the page will tell its console, errors included."""
    told: list[str] = []
    page.on("console", lambda said: told.append(said.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    return told


def assert_focus_seen(page: Page) -> None:
    """What has the focus shows it, and what is in the window of it has nothing over its middle.

    The window follows the focus a moment later, so it is looked at until it is so.
    """
    for _ in range(10):
        if not page.evaluate(UNSEEN):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{page.url}: {page.evaluate(UNSEEN)}")


def press(page: Page, key: str) -> None:
    """Strike a key once the page hears it."""
    page.wait_for_load_state("load")
    page.keyboard.press(key)


def unfold(page: Page) -> None:
    """Open what can be folded, of very many the first."""
    first = f"[...document.querySelectorAll('details')].slice(0, {UNFOLDED})"
    page.evaluate(f"{first}.forEach(one => (one.open = true))")
