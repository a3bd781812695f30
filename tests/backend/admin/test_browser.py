"""The pages in a real Chromium: an empty project, a full one, Korean text, wide and narrow."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select
from werkzeug.serving import make_server

from backend.admin.navigation import SECTIONS
from backend.app import create_app
from backend.db.session import Database
from backend.db.tables import Run, RunState
from backend.settings import Settings
from ml_backend.contract.messages import JobFolder, Progress
from tests.backend.admin.conftest import NOBODY_THERE
from tests.backend.admin.filled import LONG, PASSWORD
from tests.servers import RedisServer

pytestmark = pytest.mark.real

SCREENSHOTS = Path("build/screenshots")
WIDTHS = {"wide": (1440, 900), "middle": (1024, 768), "narrow": (400, 800)}
SECTIONS_SHOWN = [section for section in SECTIONS if section not in ("overview", "settings")]


@pytest.fixture
def address(settings: Settings, filled: Database, redis_server: RedisServer) -> Iterator[str]:
    """The application over a filled and an empty project, with a real Redis."""
    public = {"label_studio_public_url": "http://labels.example.com", **NOBODY_THERE}
    app = create_app(settings.model_copy(update=public))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def sign_in(page: Page, address: str, email: str = "curator@example.com") -> None:
    page.goto(address)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window, and nothing sticks out of its card."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    wide = "[...document.querySelectorAll('.card')].filter(c => c.scrollWidth > c.clientWidth)"
    assert page.evaluate(f"{wide}.map(card => card.innerText.slice(0, 60))") == []


@pytest.fixture
def narrow_and_wide(chromium: Browser) -> Iterator[dict[str, BrowserContext]]:
    contexts = {
        f"{name}{'-dark' if dark else ''}": chromium.new_context(
            viewport={"width": width, "height": height},
            locale="en-GB",
            color_scheme="dark" if dark else "light",
        )
        for name, (width, height) in WIDTHS.items()
        for dark in (False, True)
    }
    yield contexts
    for context in contexts.values():
        context.close()


def test_every_page_fits_every_width_and_loads_without_an_error(
    narrow_and_wide: dict[str, BrowserContext], address: str
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, context in narrow_and_wide.items():
        page = context.new_page()
        problems: list[str] = []
        page.on("console", lambda told, into=problems: into.append(told.text))
        page.on("pageerror", lambda error, into=problems: into.append(str(error)))
        page.goto(address)
        assert_fits(page)
        paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(23, 21, 17)") == name.endswith("dark")
        page.screenshot(path=SCREENSHOTS / f"login-{name}.png")
        sign_in(page, address, LONG)
        for path, shot in (
            ("/", "projects"),
            ("/projects/general", "project"),
            ("/projects/general/settings", "settings"),
            ("/projects/empty", "empty"),
            *((f"/projects/general/{section}", section) for section in SECTIONS_SHOWN),
            ("/accounts", "accounts"),
            ("/password", "password"),
            ("/projects/none", "missing"),
        ):
            page.goto(address + path)
            if shot == "project":
                page.wait_for_timeout(1600)  # at least one live look
                page.get_by_text("Last reconciliation").click()
            if shot == "settings":
                page.get_by_label("Random share").fill("15")
                page.get_by_role("button", name="Save").click()
                expect(page.get_by_text("Give 1 or less.")).to_be_visible()
                expect(page.get_by_label("Random share")).to_have_value("15")
            assert_fits(page)
            page.screenshot(path=SCREENSHOTS / f"{shot}-{name}.png", full_page=True)
        expected = ("a status of 404", "a status of 422")  # the missing page, the wrong setting
        assert [one for one in problems if not one.split(" (")[0].endswith(expected)] == []
        page.close()


def test_the_language_is_switched_on_the_spot_and_kept(
    narrow_and_wide: dict[str, BrowserContext], address: str
) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name in ("wide", "narrow"):
        page = narrow_and_wide[name].new_page()
        sign_in(page, address)
        page.goto(f"{address}/projects/general")
        page.get_by_role("button", name="한국어").click()
        expect(page).to_have_url(f"{address}/projects/general")
        expect(page.get_by_role("link", name="개요")).to_have_attribute("aria-current", "page")
        for path, shot in (
            ("/", "projects"),
            ("/projects/general", "project"),
            ("/projects/empty", "empty"),
            ("/projects/general/settings", "settings"),
            *((f"/projects/general/{section}", section) for section in SECTIONS_SHOWN),
        ):
            page.goto(address + path)
            assert_fits(page)
            page.screenshot(path=SCREENSHOTS / f"{shot}-{name}-ko.png", full_page=True)
        page.get_by_role("button", name="로그아웃").click()
        expect(page.get_by_role("button", name="로그인")).to_be_visible()


def test_the_live_part_follows_the_job_and_keeps_the_focus(
    narrow_and_wide: dict[str, BrowserContext], address: str, filled: Database
) -> None:
    page = narrow_and_wide["wide"].new_page()
    sign_in(page, address)
    page.goto(f"{address}/projects/general")
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
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("flashes")).to_contain_text("asked to stop")
    assert folder.cancel_asked()
    with filled.write() as session:
        session.get_one(Run, run.id).state = RunState.CANCELLED
    expect(job).to_have_count(0)
    expect(page.get_by_test_id("run").first).to_have_attribute("data-state", "cancelled")


def test_the_pages_read_without_javascript(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, address)
    page.get_by_role("link", name="일반 도메인 개체명").click()
    expect(page.get_by_test_id("champion-name")).to_have_text("v3")
    page.get_by_test_id("retrain").click()
    expect(page.get_by_test_id("flashes")).to_contain_text("is active")
    context.close()


def test_the_sections_are_reached_by_keyboard_alone(
    narrow_and_wide: dict[str, BrowserContext], address: str
) -> None:
    page = narrow_and_wide["wide"].new_page()
    page.goto(address)
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type("curator@example.com")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Projects")).to_be_visible()
    page.goto(f"{address}/projects/general")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    reached = page.get_by_role("navigation", name="Project").get_by_role("link", name="Models")
    for _ in range(12):
        page.keyboard.press("Tab")
        if reached.evaluate("link => link === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}/projects/general/models")
    expect(reached).to_have_attribute("aria-current", "page")
