"""The pages of annotators in a real Chromium: every width, accessible, decided by keys alone."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Gold
from tests.backend.admin.people_data import SHARED, add_shared_work
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import (  # noqa: F401
    SCREENSHOTS,
    address,
    assert_fits,
    narrow_and_wide,
    sign_in,
)

pytestmark = pytest.mark.real

PAGES = (
    ("/projects/general/annotators", "annotators-shared"),
    ("/projects/general/annotators/agreement", "agreement"),
    ("/projects/empty/annotators", "annotators-empty"),
    ("/projects/empty/annotators/agreement", "agreement-empty"),
)


@pytest.fixture
def shared(filled: Database) -> Database:
    """Two people have annotated the same documents, one of them without reading."""
    with filled.write() as session:
        add_shared_work(session, project_by_key(session, "general"))
    return filled


@pytest.mark.usefixtures("shared")
def test_the_pages_fit_every_width(
    narrow_and_wide: dict[str, BrowserContext],  # noqa: F811
    address: str,  # noqa: F811
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, context in narrow_and_wide.items():
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda told, into=problems: into.append(told.text))
        page.on("pageerror", lambda error, into=problems: into.append(str(error)))
        sign_in(page, address)
        for path, shot in PAGES:
            page.goto(address + path)
            assert_fits(page)
            page.screenshot(path=SCREENSHOTS / f"{shot}-{name}.png", full_page=True)
        assert problems == []
        page.close()


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_pages_have_no_serious_violation(
    chromium: Browser,
    address: str,  # noqa: F811
    colours: Literal["light", "dark"],
) -> None:
    context = chromium.new_context(color_scheme=colours, locale="en-GB", bypass_csp=True)
    page = context.new_page()
    sign_in(page, address)
    told = {}
    for path, shot in PAGES:
        page.goto(address + path)
        for width in (1440, 400):
            page.set_viewport_size({"width": width, "height": 900})
            told[f"{shot} {width}"] = violations(page)
    context.close()
    assert {where: what for where, what in told.items() if what} == {}


def test_a_disagreement_is_decided_by_keys_alone(
    narrow_and_wide: dict[str, BrowserContext],  # noqa: F811
    address: str,  # noqa: F811
    shared: Database,
) -> None:
    page = narrow_and_wide["wide"].new_page()
    sign_in(page, address)
    page.goto(f"{address}/projects/general/annotators")
    expect(page.get_by_test_id("flag")).to_contain_text("more than chance allows")
    page.get_by_role("link", name="Agreement").click()
    page.wait_for_url("**/agreement")
    page.wait_for_load_state("load")
    badge = page.get_by_test_id("disagreement").first.locator(".badge")
    expect(badge).to_have_text("waits for a decision")
    page.keyboard.press("o")
    page.wait_for_url("**/duplicates/*")
    page.wait_for_load_state("load")
    number = int(page.url.rsplit("/", 1)[1])
    page.keyboard.press("1")
    expect(page.get_by_test_id("flashes")).to_be_visible()
    with shared.read() as session:
        assert session.get_one(Gold, number).source == "decision"


def test_what_waits_is_settled_and_taken_back(
    narrow_and_wide: dict[str, BrowserContext],  # noqa: F811
    address: str,  # noqa: F811
    shared: Database,
) -> None:
    page = narrow_and_wide["narrow"].new_page()
    sign_in(page, address)
    page.goto(f"{address}/projects/general/annotators/agreement")
    page.get_by_role("button", name="Take what is there").click()
    expect(page.get_by_test_id("waiting")).to_have_count(0)
    with shared.read() as session:
        assert session.get(Gold, SHARED + 1) is not None
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("waiting")).to_be_visible()
