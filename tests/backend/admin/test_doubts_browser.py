"""The pages of doubts in a real Chromium: every width, no serious violation, decided by keys."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from backend.db.session import Database
from backend.db.tables import Gold, GoldSource
from tests.backend.admin.doubt_data import begin_run, find_doubts
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import SCREENSHOTS, assert_fits, sign_in

pytestmark = pytest.mark.real

WIDTHS = {"wide": 1440, "narrow": 400}
DOUBTS = "/projects/general/errors/doubts"


@pytest.fixture
def ids(filled: Database) -> list[int]:
    found = find_doubts(filled)
    begin_run(filled)
    return found


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def new_page(browser: Browser, **options: object) -> Page:
    page = browser.new_context(bypass_csp=True, **options).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(60_000)
    return page


@pytest.mark.parametrize("locale", ["en-GB", "ko-KR"])
def test_the_pages_fit_and_have_no_serious_violation(
    chromium: Browser, address: str, ids: list[int], locale: str
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    colours = "dark" if locale == "ko-KR" else "light"
    page = new_page(chromium, locale="en-GB", color_scheme=colours)
    sign_in(page, address)
    if locale == "ko-KR":
        page.get_by_role("button", name="한국어").click()
        page.wait_for_load_state("load")
    told = {}
    for path, shot in (
        (DOUBTS, "doubts"),
        (f"{DOUBTS}?kind=label", "doubts-label"),
        (f"{DOUBTS}/{ids[0]}", "doubt"),
        (f"{DOUBTS}/{ids[-1]}", "doubt-last"),
        (f"{DOUBTS}/sent", "doubts-sent"),
        ("/projects/general/errors", "errors"),
        ("/projects/empty/errors/doubts", "doubts-empty"),
    ):
        page.goto(address + path)
        for name, width in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": 900})
            assert_fits(page)
            told[f"{shot} {name}"] = violations(page)
            page.screenshot(path=SCREENSHOTS / f"{shot}-{name}-{locale}.png", full_page=True)
    page.context.close()
    assert {where: found for where, found in told.items() if found} == {}


def test_doubts_are_decided_by_keys_alone_and_undone(
    chromium: Browser, address: str, filled: Database, ids: list[int]
) -> None:
    page = new_page(chromium, locale="en-GB")
    sign_in(page, address)
    page.goto(f"{address}{DOUBTS}?kind=label")
    page.wait_for_load_state("load")
    page.keyboard.press("b")
    expect(page.get_by_test_id("proposal")).to_contain_text("제품")
    first = page.url
    page.wait_for_load_state("load")
    page.keyboard.press("p")
    expect(page.get_by_test_id("flashes")).to_contain_text("gold now")
    with filled.read() as session:
        its = select(Gold).where(Gold.source == GoldSource.DECISION)
        assert session.scalars(its).first() is not None
    page.get_by_test_id("flashes").get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("taken back")
    assert page.url.split("?")[0] == first.split("?")[0]
    page.wait_for_load_state("load")
    page.keyboard.press("n")
    page.wait_for_url(lambda url: url.split("?")[0] != first.split("?")[0])
    page.wait_for_load_state("load")
    page.keyboard.press("g")
    expect(page.get_by_test_id("flashes")).to_contain_text("not asked about again")
    page.context.close()
