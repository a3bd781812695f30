"""The autolabel queue by keys alone, in a real Chromium."""

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from backend.app import create_app
from backend.db.session import Database
from backend.db.tables_of_autolabel import Autolabel
from backend.settings import Settings
from tests.backend.admin.conftest import NOBODY_THERE
from tests.backend.admin.filled import add_project
from tests.backend.admin.filled_queue import KEY, add_queue
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import assert_fits, sign_in

pytestmark = pytest.mark.real


@pytest.fixture
def address(settings: Settings, filled: Database) -> Iterator[str]:
    with filled.write() as session:
        add_queue(session, add_project(session, KEY, "자동 라벨"))
    app = create_app(settings.model_copy(update=NOBODY_THERE))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_twenty_items_are_decided_about_by_keys_and_one_is_undone(
    chromium: Browser, address: str, filled: Database
) -> None:
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    sign_in(page, address)
    page.goto(f"{address}/projects/{KEY}/autolabel")
    assert_fits(page)
    first = page.get_by_test_id("item").first
    begun = first.get_attribute("data-document")
    for _ in range(20):
        page.wait_for_load_state("load")
        with page.expect_navigation():
            page.keyboard.press("a")
    expect(page.get_by_test_id("flashes")).to_contain_text("1 document is gold.")
    page.wait_for_load_state("load")
    with page.expect_navigation():
        page.keyboard.press("u")
    expect(page.get_by_test_id("flashes")).to_contain_text("1 item is as it was.")
    page.wait_for_load_state("load")
    with page.expect_navigation():
        page.keyboard.press("n")
    expect(page).to_have_url(re.compile("after="))
    page.get_by_label("Confidence from").press("a")  # what is typed is typed
    expect(page).to_have_url(re.compile("after="))
    assert violations(page) == []
    assert problems == []
    with filled.read() as session:
        accepted = session.scalars(
            select(Autolabel.document_id).where(
                Autolabel.state == "by_person", Autolabel.changed_by == "curator@example.com"
            )
        ).all()
    assert len(accepted) == 19
    assert int(begun or 0) in accepted
    context.close()
