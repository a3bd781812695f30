"""The autolabel queue by keys alone, in a real Chromium."""

import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables_of_autolabel import Autolabel
from tests.backend.admin.browsing import NewPage, assert_fits, listen, press, violations
from tests.backend.admin.filled import add_project
from tests.backend.admin.filled_queue import KEY, add_queue

pytestmark = pytest.mark.real


def test_twenty_items_are_decided_about_by_keys_and_one_is_undone(
    new_page: NewPage, filled: Database
) -> None:
    with filled.write() as session:
        add_queue(session, add_project(session, KEY, "자동 라벨"))
    page = new_page(f"/projects/{KEY}/autolabel", viewport={"width": 1440, "height": 900})
    problems = listen(page)
    assert_fits(page)
    first = page.get_by_test_id("item").first
    begun = first.get_attribute("data-document")
    for _ in range(20):
        with page.expect_navigation():
            press(page, "a")
    expect(page.get_by_test_id("flashes")).to_contain_text("1 document is gold.")
    with page.expect_navigation():
        press(page, "u")
    expect(page.get_by_test_id("flashes")).to_contain_text("1 item is as it was.")
    for key, done in (("r", "1 item is rejected."), ("s", "1 document goes to Label Studio.")):
        with page.expect_navigation():
            press(page, key)
        expect(page.get_by_test_id("flashes")).to_contain_text(done)
        with page.expect_navigation():
            press(page, "u")
        expect(page.get_by_test_id("flashes")).to_contain_text("1 item is as it was.")
    with page.expect_navigation():
        press(page, "n")
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
