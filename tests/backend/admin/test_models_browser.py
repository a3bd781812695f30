"""The page of models in a real Chromium: the choices of a run are made by keys."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Run, RunState
from tests.backend.admin.browsing import NewPage

pytestmark = pytest.mark.real

MODELS = "/projects/general/models"


def test_the_choices_of_a_run_are_reached_and_sent_by_keys(
    new_page: NewPage, filled: Database
) -> None:
    with filled.write() as session:
        session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one().state = "failed"
    page = new_page(MODELS)
    page.locator("#choices summary").focus()
    page.keyboard.press("Enter")
    page.locator("#head").select_option("span")
    page.locator("#epochs").fill("3")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("flashes")).to_be_visible()
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.QUEUED)).one()
    assert run.options == {"head": "span", "epochs": 3}
