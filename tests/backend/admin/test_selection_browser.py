"""The page of selection in a real Chromium: a mixture is set by hand; widths, colours, Korean."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from tests.backend.admin.selection_data import add_batches
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import assert_fits, sign_in

pytestmark = pytest.mark.real


@pytest.fixture
def address(app: Flask, filled: Database) -> Iterator[str]:
    with filled.write() as session:
        add_batches(session, project_by_key(session, "empty"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def open_page(browser: Browser, address: str, **options: object) -> Page:
    page = browser.new_context(locale="en-GB", **options).new_page()  # type: ignore[arg-type]
    sign_in(page, address)
    page.goto(f"{address}/projects/empty/selection")
    return page


def test_a_mixture_is_set_by_hand(chromium: Browser, address: str, filled: Database) -> None:
    page = open_page(chromium, address)
    page.get_by_label("Margin", exact=True).fill("much")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is saved yet")
    field = page.get_by_label("Margin", exact=True)
    assert field.get_attribute("aria-invalid") == "true"
    field.fill("2")
    page.get_by_label("Cost", exact=True).fill("1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("The strategies are saved")
    with filled.read() as session:
        mixture = settings_of(project_by_key(session, "empty")).selection
    assert mixture == {"mnlp": 1.0, "margin": 2.0, "cost": 1.0}
    page.context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_page_fits_every_width_and_has_no_serious_violation(
    chromium: Browser, address: str, colours: str
) -> None:
    page = open_page(chromium, address, color_scheme=colours, bypass_csp=True)
    problems: list[str] = []
    page.on("console", lambda told: problems.append(told.text))
    for width in (1440, 1024, 400):
        page.set_viewport_size({"width": width, "height": 800})
        page.reload()
        assert_fits(page)
        assert violations(page) == []
    assert problems == []
    page.context.close()
