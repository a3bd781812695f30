"""The pages in a real Chromium: what is wrong is said, languages, the live part, the keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Run, RunState
from ml_backend.contract.messages import JobFolder, Progress
from tests.backend.admin.browsing import (
    CURATOR,
    NewPage,
    assert_fits,
    listen,
    violations,
)
from tests.backend.admin.filled import LONG, PASSWORD

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("redis_server")]

NARROW = {"width": 400, "height": 800}


def test_the_first_page_follows_the_reader_s_colours(new_page: NewPage) -> None:
    for colours in ("light", "dark"):
        page = new_page(email="", color_scheme=colours)
        assert_fits(page)
        assert violations(page) == []
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(23, 21, 17)") == (colours == "dark")


def test_what_is_missing_or_wrong_is_said(new_page: NewPage) -> None:
    page = new_page("/projects/none", email=LONG, viewport=NARROW)
    assert_fits(page)
    assert violations(page) == []
    page.goto("/projects/general/settings")
    page.get_by_label("Random share").fill("15")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Give 1 or less.")).to_be_visible()
    expect(page.get_by_label("Random share")).to_have_value("15")
    assert_fits(page)


def test_the_open_section_stays_in_sight_and_the_page_where_it_is(new_page: NewPage) -> None:
    page = new_page("/projects/general/settings", viewport={"width": 1440, "height": 800})
    opened = page.get_by_role("navigation", name="Project").get_by_role("link", name="Settings")
    page.set_viewport_size(NARROW)
    expect(opened).to_be_in_viewport(ratio=0.9)
    page.evaluate("scrollTo(0, 600)")
    page.set_viewport_size({**NARROW, "height": 700})  # the browser shows its address again
    page.wait_for_timeout(100)
    assert page.evaluate("scrollY") == 600


def test_the_language_is_switched_on_the_spot_and_kept(new_page: NewPage) -> None:
    page = new_page("/projects/general", viewport=NARROW)
    page.get_by_role("button", name="한국어").click()
    expect(page).to_have_url("/projects/general")
    expect(page.get_by_role("link", name="개요")).to_have_attribute("aria-current", "page")
    page.goto("/projects/empty/labels")
    opened = page.get_by_role("link", name="레이블", exact=True)
    expect(opened).to_have_attribute("aria-current", "page")
    page.get_by_role("button", name="로그아웃").click()
    expect(page.get_by_role("button", name="로그인")).to_be_visible()


def test_the_live_part_follows_the_job_and_keeps_the_focus(
    new_page: NewPage, filled: Database
) -> None:
    page = new_page("/projects/general")
    problems = listen(page)
    job = page.get_by_test_id("running-job")
    expect(job).to_contain_text("412 of 900")
    page.get_by_text("Last reconciliation").click()
    page.get_by_test_id("cancel").focus()
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
    folder = JobFolder(Path(run.folder))
    folder.write_progress(Progress(32, "training", 655, 900, 40.0, {"epoch": 9.0}))
    expect(job).to_contain_text("655 of 900")
    expect(page.get_by_test_id("cancel")).to_be_focused()
    expect(page.get_by_text("Annotations missed: 2")).to_be_visible()  # it stays unfolded
    link = page.get_by_test_id("path").get_by_role("link", name="Publish")
    link.focus()
    folder.write_progress(Progress(33, "training", 656, 900, 40.0, {"epoch": 9.0}))
    expect(job).to_contain_text("656 of 900")
    expect(link).to_be_focused()  # though it has no id
    page.get_by_test_id("cancel").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("flashes")).to_contain_text("asked to stop")
    assert folder.cancel_asked()
    with filled.write() as session:
        session.get_one(Run, run.id).state = RunState.CANCELLED
    expect(job).to_have_count(0)
    expect(page.get_by_test_id("run").first).to_have_attribute("data-state", "cancelled")
    assert problems == []


def test_the_pages_read_without_javascript(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.get_by_role("link", name="일반 도메인 개체명").click()
    expect(page.get_by_test_id("champion-name")).to_have_text("v3")
    page.get_by_test_id("retrain").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("is active")


def test_the_sections_are_reached_by_keyboard_alone(new_page: NewPage) -> None:
    page = new_page(email="")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(CURATOR)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    page.goto("/projects/general")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    reached = page.get_by_role("navigation", name="Project").get_by_role("link", name="Models")
    for _ in range(12):
        page.keyboard.press("Tab")
        if reached.evaluate("link => link === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url("/projects/general/models")
    expect(reached).to_have_attribute("aria-current", "page")


def test_a_changed_password_sends_the_other_browser_to_sign_in_and_back(new_page: NewPage) -> None:
    here, elsewhere = new_page("/password"), new_page("/projects/general")
    for name, typed in (("present", PASSWORD), ("new", "another-password")):
        here.locator(f"[name={name}]").fill(typed)
    here.locator("[name=again]").fill("another-password")
    here.locator("main form [type=submit]").click()
    expect(here.locator(".projects")).to_be_visible()
    elsewhere.wait_for_url("**/login?next=/projects/general")  # the live part has asked
    elsewhere.locator("[name=email]").fill(CURATOR)
    elsewhere.locator("[name=password]").fill("another-password")
    elsewhere.locator(".door-form [type=submit]").click()
    expect(elsewhere).to_have_url("/projects/general")
