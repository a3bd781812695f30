"""The pages in a real Chromium: an empty project, a full one, Korean text, wide and narrow."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from backend.app import create_app
from backend.db.session import Database
from backend.settings import Settings
from tests.backend.admin.filled import PASSWORD, add_people, add_project, fill
from tests.servers import RedisServer

pytestmark = pytest.mark.real

SCREENSHOTS = Path("build/screenshots")
WIDTHS = {"wide": (1440, 900), "middle": (1024, 768), "narrow": (400, 800)}


@pytest.fixture
def address(
    settings: Settings, database: Database, redis_server: RedisServer, tmp_path: Path
) -> Iterator[str]:
    """The application over a filled and an empty project."""
    with database.write() as session:
        add_people(session)
        fill(session, add_project(session), tmp_path / "job")
        add_project(session, "empty", "유방암 전자의무기록")
    public = {"label_studio_public_url": "http://labels.example.com"}
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
    """Nothing is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.fixture
def narrow_and_wide(chromium: Browser) -> Iterator[dict[str, BrowserContext]]:
    contexts = {
        name: chromium.new_context(viewport={"width": width, "height": height}, locale="ko-KR")
        for name, (width, height) in WIDTHS.items()
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
        page.screenshot(path=SCREENSHOTS / f"login-{name}.png")
        sign_in(page, address)
        for path, shot in (
            ("/", "projects"),
            ("/projects/general", "project"),
            ("/projects/empty", "empty"),
            ("/password", "password"),
            ("/projects/none", "missing"),
        ):
            page.goto(address + path)
            if shot == "project":
                page.wait_for_timeout(2500)  # at least one live look
            assert_fits(page)
            page.screenshot(path=SCREENSHOTS / f"{shot}-{name}.png", full_page=True)
        expected = "the server responded with a status of 404"
        assert [one for one in problems if expected not in one] == []
        page.close()
