"""The pages of duplicates in a real Chromium: a conflict settled by keys alone, and undone; axe."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.loop.survey import take_survey
from tests.backend.admin.gold_data import add_gold_documents
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import assert_fits, sign_in

pytestmark = pytest.mark.real

WIDTHS = (1440, 1024, 400)
DUPLICATES = "/projects/empty/duplicates"


@pytest.fixture
def address(app: Flask, filled: Database) -> Iterator[str]:
    with filled.write() as session:
        project = project_by_key(session, "empty")
        documents = add_gold_documents(session, project)
        documents[2].near_id = documents[3].near_id = documents[2].id
        project_id = project.id
    take_survey(filled, project_id)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def open_page(browser: Browser, address: str, **options: object) -> Page:
    page = browser.new_context(locale="en-GB", **options).new_page()  # type: ignore[arg-type]
    sign_in(page, address)
    page.goto(f"{address}{DUPLICATES}")
    return page


def test_a_conflict_is_opened_decided_and_undone_by_keys(chromium: Browser, address: str) -> None:
    page = open_page(chromium, address)
    page.wait_for_load_state("load")
    page.keyboard.press("o")
    expect(page.get_by_test_id("exact")).to_contain_text("relabelled")
    held = "{key: '2', repeat: true, bubbles: true, cancelable: true}"
    assert page.evaluate(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {held}))")
    page.wait_for_load_state("load")
    page.keyboard.press("2")
    expect(page.get_by_test_id("flashes")).to_contain_text("gold of 2 documents")
    expect(page.get_by_test_id("decided")).to_contain_text("gold-1")
    expect(page.get_by_test_id("exact")).to_have_count(0)
    page.wait_for_load_state("load")
    page.keyboard.press("u")
    expect(page.get_by_test_id("flashes")).to_contain_text("taken back from 2 documents")
    expect(page.get_by_test_id("exact")).to_have_count(1)
    page.wait_for_load_state("load")
    page.keyboard.press("b")
    expect(page.get_by_test_id("finding")).to_have_count(1)
    page.context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_pages_fit_every_width_and_have_no_serious_violation(
    chromium: Browser, address: str, colours: str
) -> None:
    page = open_page(chromium, address, color_scheme=colours, bypass_csp=True)
    group = page.get_by_test_id("finding").first.get_by_role("link").get_attribute("href")
    problems: list[str] = []
    page.on("console", lambda told: problems.append(told.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    lists = [f"{DUPLICATES}?show={name}" for name in ("exact-conflict", "near-group", "decisions")]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        for path in (*lists, group):
            page.goto(f"{address}{path}")
            assert_fits(page)
            assert violations(page) == [], path
    assert problems == []
    page.context.close()
