"""The pages of models, jobs and errors in a real Chromium: every width, charts drawn, keys."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import select

from backend.clients.queue import JobQueue
from backend.db.session import Database
from backend.db.tables import Run, RunState
from backend.settings import Settings
from ml_backend.contract.messages import JobFolder
from tests.backend.admin.error_data import find_errors
from tests.backend.admin.model_data import leave_course, leave_reports
from tests.backend.admin.test_axe import violations
from tests.backend.admin.test_browser import (  # noqa: F401
    SCREENSHOTS,
    address,
    assert_fits,
    narrow_and_wide,
    sign_in,
)

pytestmark = pytest.mark.real

PAGES = (
    ("/projects/general/models", "models"),
    ("/projects/general/models/v3", "model"),
    ("/projects/general/models/compare?first=v1&second=v3", "models-compare"),
    ("/projects/empty/models", "models-empty"),
    ("/projects/general/models/forecast?target=0.9", "forecast"),
    ("/projects/empty/models/forecast", "forecast-empty"),
    ("/projects/general/jobs", "jobs"),
    ("/projects/general/errors", "errors"),
    ("/projects/general/errors/{}", "errors-document"),
    ("/projects/empty/errors", "errors-empty"),
)


def assert_drawn(page: Page) -> None:
    """Every chart has ink on its canvas."""
    blank = """[...document.querySelectorAll("canvas")].filter(one => !one.getContext("2d")
        .getImageData(0, 0, one.width, one.height).data.some(ink => ink)).map(one => one.id)"""
    page.wait_for_function(f"{blank.strip()}.length === 0")


def test_every_page_fits_every_width_and_draws_its_charts(
    narrow_and_wide: dict[str, BrowserContext],  # noqa: F811
    address: str,  # noqa: F811
    filled: Database,
    settings: Settings,
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
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, context in narrow_and_wide.items():
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda told, into=problems: into.append(told.text))
        page.on("pageerror", lambda error, into=problems: into.append(str(error)))
        sign_in(page, address)
        for path, shot in PAGES:
            page.goto(address + path.format(found[0]))
            if shot == "jobs":
                page.get_by_text("Traceback", exact=True).click()
            assert_fits(page)
            assert_drawn(page)
            page.screenshot(path=SCREENSHOTS / f"{shot}-{name}.png", full_page=True)
        assert problems == []
        page.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_pages_full_of_figures_have_no_serious_violation(
    chromium: Browser,
    address: str,  # noqa: F811
    filled: Database,
    settings: Settings,
    colours: Literal["light", "dark"],
) -> None:
    leave_reports(filled, settings.jobs)
    found = find_errors(filled)
    context = chromium.new_context(color_scheme=colours, locale="en-GB", bypass_csp=True)
    page = context.new_page()
    sign_in(page, address)
    told = {}
    for path, shot in PAGES:
        page.goto(address + path.format(found[0]))
        page.evaluate("document.querySelectorAll('details').forEach(one => (one.open = true))")
        for width in (1440, 400):
            page.set_viewport_size({"width": width, "height": 900})
            told[f"{shot} {width}"] = violations(page)
    context.close()
    assert {where: what for where, what in told.items() if what} == {}


def test_the_choices_of_a_run_are_reached_and_sent_by_keys(
    narrow_and_wide: dict[str, BrowserContext],  # noqa: F811
    address: str,  # noqa: F811
    filled: Database,
) -> None:
    with filled.write() as session:
        session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one().state = "failed"
    page = narrow_and_wide["wide"].new_page()
    sign_in(page, address)
    page.goto(f"{address}/projects/general/models")
    page.locator("#choices summary").focus()
    page.keyboard.press("Enter")
    page.locator("#head").select_option("span")
    page.locator("#epochs").fill("3")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("flashes")).to_be_visible()
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.QUEUED)).one()
    assert run.options == {"head": "span", "epochs": 3}


def test_errors_are_looked_through_and_decided_by_keys(
    narrow_and_wide: dict[str, BrowserContext],  # noqa: F811
    address: str,  # noqa: F811
    filled: Database,
) -> None:
    *_rest, third, second, first = find_errors(filled)
    page = narrow_and_wide["wide"].new_page()
    sign_in(page, address)
    page.goto(f"{address}/projects/general/errors")
    page.wait_for_load_state("load")
    page.keyboard.press("b")
    page.wait_for_url(f"**/errors/{first}")
    page.wait_for_load_state("load")
    page.keyboard.press("n")
    page.wait_for_url(f"**/errors/{second}")
    page.wait_for_load_state("load")
    page.keyboard.press("g")
    page.wait_for_url(f"**/errors/{third}")
    expect(page.get_by_test_id("flashes")).to_contain_text("The gold is right")
    page.wait_for_load_state("load")
    page.keyboard.press("u")
    page.wait_for_url(f"**/errors/{second}")
    expect(page.get_by_test_id("flashes")).to_contain_text("taken back")
    page.wait_for_load_state("load")
    page.keyboard.press("Escape")
    page.wait_for_url("**/errors")
    expect(page.get_by_test_id("error")).to_have_count(50)
