"""Every page in a real Chromium has no violation of accessibility of level serious or worse."""

import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, url_for
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from backend.admin.navigation import SECTIONS
from tests.backend.admin.filled import PASSWORD

pytestmark = pytest.mark.real

WIDTHS = (1440, 1024, 400)
LEVELS = ("serious", "critical")


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def pages(app: Flask) -> list[str]:
    """Everything that can be reached without naming a thing inside a project."""
    found = ["/", "/password", "/accounts", "/projects/missing"]
    with app.test_request_context():
        for endpoint, _title in SECTIONS.values():
            if endpoint in app.view_functions:
                found += [url_for(endpoint, key=key) for key in ("general", "empty")]
    return found


def violations(page: Page) -> list[str]:
    """What axe finds, with the elements it finds it in."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:4]]}"
        for one in found
        if one["impact"] in LEVELS
    ]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_pages_have_no_serious_violation(
    app: Flask, address: str, chromium: Browser, colours: str
) -> None:
    context = chromium.new_context(color_scheme=colours, locale="en-GB", bypass_csp=True)
    page = context.new_page()
    page.goto(f"{address}/login")
    told = {f"/login {colours}": violations(page)}
    page.get_by_label("E-mail address").fill("admin@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    for path in pages(app):
        page.goto(address + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            told[f"{path} {width}"] = violations(page)
    context.close()
    assert {where: found for where, found in told.items() if found} == {}
