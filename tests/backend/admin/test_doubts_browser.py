"""The pages of doubts in a real Chromium: every width, no serious violation, decided by keys."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Gold, GoldSource
from tests.backend.admin.browsing import NewPage, look_over, press
from tests.backend.admin.doubt_data import begin_run, find_doubts

pytestmark = pytest.mark.real

DOUBTS = "/projects/general/errors/doubts"


@pytest.fixture
def ids(filled: Database) -> list[int]:
    found = find_doubts(filled)
    begin_run(filled)
    return found


def test_the_pages_fit_every_width_and_have_no_serious_violation(
    new_page: NewPage, ids: list[int]
) -> None:
    pages = {
        "doubts": DOUBTS,
        "doubts-label": f"{DOUBTS}?kind=label",
        "doubt": f"{DOUBTS}/{ids[0]}",
        "doubt-last": f"{DOUBTS}/{ids[-1]}",
        "doubts-sent": f"{DOUBTS}/sent",
        "doubts-empty": "/projects/empty/errors/doubts",
    }
    look_over(new_page, pages)


def test_doubts_are_decided_by_keys_alone_and_undone(
    new_page: NewPage, filled: Database, ids: list[int]
) -> None:
    page = new_page(f"{DOUBTS}?kind=label")
    press(page, "b")
    expect(page.get_by_test_id("proposal")).to_contain_text("제품")
    first = page.url
    press(page, "p")
    expect(page.get_by_test_id("flashes")).to_contain_text("gold now")
    with filled.read() as session:
        its = select(Gold).where(Gold.source == GoldSource.DECISION)
        assert session.scalars(its).first() is not None
    page.get_by_test_id("flashes").get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("taken back")
    assert page.url.split("?")[0] == first.split("?")[0]
    press(page, "n")
    page.wait_for_url(lambda url: url.split("?")[0] != first.split("?")[0])
    press(page, "g")
    expect(page.get_by_test_id("flashes")).to_contain_text("not asked about again")
