"""The page of models in a real Chromium: a run is chosen for by keys, and drawn while it trains."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Run, RunState
from ml_backend.contract.messages import JobFolder
from tests.backend.admin.browsing import NewPage, listen
from tests.backend.admin.model_data import leave_course

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


def test_loss_and_f1_are_drawn_step_by_step_while_it_trains(
    new_page: NewPage, filled: Database
) -> None:
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
    leave_course(JobFolder(Path(run.folder)), 40)
    page = new_page(MODELS)
    problems = listen(page)
    drawn = "Chart.getChart('course').data.datasets.map(one => one.data.length)"
    rows = page.locator("#course-table tbody tr")
    expect(rows).to_have_count(21)
    assert page.evaluate(drawn) == [20, 1]  # a loss for each second step, F1 for each 40th
    page.locator("#course-table summary").click()
    leave_course(JobFolder(Path(run.folder)), 80)
    expect(rows).to_have_count(42)
    assert page.evaluate(drawn) == [40, 2]
    expect(page.locator("#course-table")).to_have_attribute("open", "")
    assert problems == []
