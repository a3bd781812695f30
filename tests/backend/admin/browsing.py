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


def sign_in(page: Page, email: str = CURATOR) -> None:
    """Sign in by the form; the page's context knows the address."""
    page.goto("/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


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


def violations(page: Page) -> list[str]:
    """What axe finds serious or worse, with the elements it finds it in."""
    return [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}"
        for one in Axe().run(page).response["violations"]
        if one["impact"] in LEVELS
    ]


def listen(page: Page) -> list[str]:
    """What the page will tell its console, errors included."""
    told: list[str] = []
    page.on("console", lambda said: told.append(said.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    return told


def press(page: Page, key: str) -> None:
    """Strike a key once the page hears it."""
    page.wait_for_load_state("load")
    page.keyboard.press(key)


def unfold(page: Page) -> None:
    """Open all that can be folded."""
    page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")


def look_over(
    new_page: NewPage,
    pages: Mapping[str, str],
    *,
    email: str = CURATOR,
    prepare: Callable[[Page], None] = unfold,
) -> None:
    """Look at pages, name → path: each fits, breaks no rule for everybody's tools, logs no error.

    At every width in light colours and at one in dark ones: colours are the same at every width,
    and what stands on the middle one stands on the others. Leaves a screenshot of each.
    """
    widest, _middle, narrowest = WIDTHS
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[str]] = {}
    for colours, widths in (("light", WIDTHS), ("dark", (widest,))):
        page = new_page(email=email, color_scheme=colours)
        told = listen(page)
        for name, path in pages.items():
            page.goto(path)
            prepare(page)
            for width in widths:
                page.set_viewport_size({"width": width, "height": 900})
                assert_fits(page)
                if width in (widest, narrowest):
                    found[f"{name} {width} {colours}"] = violations(page)
                page.screenshot(path=SCREENSHOTS / f"{name}-{width}-{colours}.png", full_page=True)
            found[f"{name} {colours}: console"] = told.copy()
            told.clear()
        page.context.close()
    assert {where: what for where, what in found.items() if what} == {}
