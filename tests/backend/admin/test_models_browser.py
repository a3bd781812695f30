"""The pages of models, jobs and errors in a real Chromium: every width, charts drawn, keys."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import select

from backend.clients.queue import JobQueue
from backend.db.session import Database
from backend.db.tables import Run, RunState
from backend.settings import Settings
from ml_backend.contract.messages import JobFolder
from tests.backend.admin.browsing import NewPage, look_over, press, unfold
from tests.backend.admin.error_data import find_errors
from tests.backend.admin.model_data import leave_course, leave_reports

pytestmark = pytest.mark.real

MODELS = "/projects/general/models"
ERRORS = "/projects/general/errors"
PAGES = {
    "models": MODELS,
    "model": f"{MODELS}/v3",
    "models-compare": f"{MODELS}/compare?first=v1&second=v3",
    "models-empty": "/projects/empty/models",
    "forecast": f"{MODELS}/forecast?target=0.9",
    "forecast-empty": "/projects/empty/models/forecast",
    "jobs": "/projects/general/jobs",
    "errors": ERRORS,
    "errors-empty": "/projects/empty/errors",
}


def unfold_drawn(page: Page) -> None:
    """Open all, and wait until every chart has ink on its canvas."""
    blank = """[...document.querySelectorAll("canvas")].filter(one => !one.getContext("2d")
        .getImageData(0, 0, one.width, one.height).data.some(ink => ink)).map(one => one.id)"""
    page.wait_for_function(f"{blank.strip()}.length === 0")
    unfold(page)


@pytest.mark.usefixtures("redis_server")
def test_every_page_draws_its_charts_fits_and_has_no_serious_violation(
    new_page: NewPage, filled: Database, settings: Settings
) -> None:
    leave_reports(filled, settings.jobs)
    found = find_errors(filled)
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
    leave_course(JobFolder(Path(run.folder)), 400)
    queue = JobQueue(settings.redis_address)
    queue.ring("default", "backend.jobs.sync", run.project_id, "one", "too many", job_id="broken")
    redis = Redis.from_url(queue.redis_address)
    worker = SimpleWorker(["default"], connection=redis, name="default-machine-4711-a0b1c2")
    worker.work(burst=True, logging_level="CRITICAL")
    worker.register_birth()
    queue.ring("default", "backend.jobs.top_up", run.project_id)
    queue.ring("train", "backend.jobs.tick")
    pages = {**PAGES, "errors-document": f"{ERRORS}/{found[0]}"}
    look_over(new_page, pages, prepare=unfold_drawn)


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


def test_errors_are_looked_through_and_decided_by_keys(new_page: NewPage, filled: Database) -> None:
    *_rest, third, second, first = find_errors(filled)
    page = new_page(ERRORS)
    press(page, "b")
    page.wait_for_url(f"**/errors/{first}")
    press(page, "n")
    page.wait_for_url(f"**/errors/{second}")
    press(page, "g")
    page.wait_for_url(f"**/errors/{third}")
    expect(page.get_by_test_id("flashes")).to_contain_text("The gold is right")
    press(page, "u")
    page.wait_for_url(f"**/errors/{second}")
    expect(page.get_by_test_id("flashes")).to_contain_text("taken back")
    press(page, "Escape")
    page.wait_for_url("**/errors")
    expect(page.get_by_test_id("error")).to_have_count(50)
