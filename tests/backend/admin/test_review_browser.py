"""The pages of doubts and errors in a real Chromium: every width, decided by keys."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Gold, GoldSource
from tests.backend.admin.browsing import NewPage, look_over, press
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


def test_the_pages_fit_every_width_and_have_no_serious_violation(
    new_page: NewPage, ids: list[int], errors: list[int]
) -> None:
    pages = {
        "doubts-label": f"{DOUBTS}?kind=label",
        "doubt": f"{DOUBTS}/{ids[0]}",
        "doubt-last": f"{DOUBTS}/{ids[-1]}",
        "doubts-sent": f"{DOUBTS}/sent",
        "doubts-empty": "/projects/empty/errors/doubts",
        "errors": ERRORS,
        "errors-document": f"{ERRORS}/{errors[-1]}",
        "errors-empty": "/projects/empty/errors",
    }
    look_over(new_page, pages)


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
    page.get_by_test_id("flashes").get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("taken back")
    page.goto(page.url.partition(ERRORS)[0] + f"{listed}?kind=label")
    press(page, "b")
    first = page.url
    press(page, "n")
    page.wait_for_url(lambda url: url != first)
    press(page, "g")
    expect(page.get_by_test_id("flashes")).to_contain_text("not asked about again")
