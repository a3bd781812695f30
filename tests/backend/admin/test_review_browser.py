"""The pages of doubts and errors in a real Chromium: decided by keys."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Gold, GoldSource
from tests.backend.admin.browsing import NewPage, press
from tests.backend.admin.doubt_data import begin_run, find_doubts
from tests.backend.admin.error_data import find_errors

pytestmark = pytest.mark.real

ERRORS = "/projects/general/errors"
DOUBTS = f"{ERRORS}/doubts"


@pytest.fixture
def ids(filled: Database) -> list[int]:
    found = find_doubts(filled)
    begin_run(filled)
    return found


@pytest.fixture
def errors(filled: Database) -> list[int]:
    return find_errors(filled)


@pytest.mark.parametrize("listed", [DOUBTS, ERRORS], ids=["doubts", "errors"])
def test_both_are_decided_by_keys_alone_and_undone(
    new_page: NewPage, filled: Database, ids: list[int], errors: list[int], listed: str
) -> None:
    page = new_page(f"{listed}?kind=label")
    press(page, "b")
    expect(page.get_by_test_id("proposal")).to_contain_text("제품")
    press(page, "m")
    expect(page.get_by_test_id("flashes")).to_contain_text("gold now")
    with filled.read() as session:
        its = select(Gold).where(Gold.source == GoldSource.DECISION)
        assert session.scalars(its).first() is not None
    press(page, "u")
    expect(page.get_by_test_id("flashes")).to_contain_text("taken back")
    page.goto(page.url.partition(ERRORS)[0] + f"{listed}?kind=label")
    press(page, "b")
    first = page.url
    press(page, "n")
    page.wait_for_url(lambda url: url != first)
    press(page, "g")
    expect(page.get_by_test_id("flashes")).to_contain_text("not asked about again")
    press(page, "Escape")
    page.wait_for_url(f"**{listed}?kind=label")
