"""The page of labels in a real Chromium: the slider, undo by key, without JavaScript, axe."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.loop.survey import take_survey
from tests.backend.admin.gold_data import PERSON, PLACE, add_gold_documents
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import assert_fits, sign_in

pytestmark = pytest.mark.real

WIDTHS = (1440, 1024, 400)


@pytest.fixture
def address(app: Flask, filled: Database) -> Iterator[str]:
    with filled.write() as session:
        project = project_by_key(session, "empty")
        add_gold_documents(session, project)
        project_id = project.id
    take_survey(filled, project_id)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def open_page(browser: Browser, address: str, **options: object) -> Page:
    page = browser.new_context(locale="en-GB", **options).new_page()  # type: ignore[arg-type]
    sign_in(page, address)
    page.goto(f"{address}/projects/empty/labels")
    return page


def minimum(database: Database) -> int | None:
    with database.read() as session:
        return settings_of(project_by_key(session, "empty")).min_support


def test_the_slider_moves_the_threshold_its_line_and_what_is_foreseen(
    chromium: Browser, address: str, filled: Database
) -> None:
    page = open_page(chromium, address)
    slider = page.get_by_role("slider", name="Minimum support")
    slider.focus()
    for _ in range(60):
        page.keyboard.press("ArrowRight")
    typed = page.get_by_label("Minimum support, in gold entities")
    threshold = int(typed.input_value())
    assert 2 < threshold < 10
    expect(page.get_by_test_id("foreseen")).to_contain_text("are left out")
    line = "Chart.getChart('balance-chart').data.datasets[0].data[0]"
    assert page.evaluate(line) == threshold
    expect(page).to_have_url(f"{address}/projects/empty/labels?min_support={threshold}&how=merge")
    page.get_by_role("button", name=f"Set the minimum to {threshold}").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("The labels are changed")
    assert minimum(filled) == threshold
    page.wait_for_load_state("load")
    page.keyboard.press("u")
    expect(page.get_by_test_id("flashes")).to_contain_text("as they were")
    assert minimum(filled) is None
    page.context.close()


def test_a_merge_is_foreseen_and_done_without_javascript(chromium: Browser, address: str) -> None:
    page = open_page(chromium, address, java_script_enabled=False)
    page.get_by_label("Label", exact=True).select_option(PERSON)
    page.get_by_label("Into, or its new name").fill(PLACE)
    page.get_by_role("button", name="What would change").click()
    expect(page.get_by_test_id("foreseen")).to_contain_text("3 gold entities in 2 documents")
    page.get_by_label("Reason").fill("one idea")
    page.get_by_test_id("apply").click()
    expect(page.get_by_test_id("mappings")).to_contain_text(f"{PERSON} is a part of {PLACE}")
    expect(page.get_by_test_id("mappings")).to_contain_text("one idea")
    page.context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_page_fits_every_width_and_has_no_serious_violation(
    chromium: Browser, address: str, colours: str
) -> None:
    page = open_page(chromium, address, color_scheme=colours, bypass_csp=True)
    problems: list[str] = []
    page.on("console", lambda told: problems.append(told.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{address}/projects/empty/labels?min_support=3&label={PERSON}&into={PLACE}")
        assert_fits(page)
        assert violations(page) == []
    assert problems == []
    page.context.close()
