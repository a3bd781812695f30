"""The application over a filled and an empty project, and people signed in to it."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from sqlalchemy import update
from werkzeug.serving import make_server

from backend.app import create_app
from backend.db.accounts import existing_account
from backend.db.members import note_member
from backend.db.projects import project_by_key
from backend.db.session import Database, connect
from backend.db.tables import Run, RunState
from backend.settings import Settings
from tests.backend.admin.browsing import CURATOR, NewPage
from tests.backend.admin.browsing import sign_in as sign_in_by_hand
from tests.backend.admin.filled import PASSWORD, add_people, add_project, fill
from tests.backend.admin.whole import fill_whole
from tests.conftest import settings_in

SignIn = Callable[[str], FlaskClient]

NOBODY_THERE = {"ml_backend_url": "http://127.0.0.1:9"}  # the discard port


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory, _migrated_sqlite: Path) -> Path:
    """A folder with a filled database and the job folder of its running training."""
    folder = tmp_path_factory.mktemp("filled")
    shutil.copy(_migrated_sqlite, folder / "goldloop.db")
    database = connect(f"sqlite:///{folder / 'goldloop.db'}")
    with database.write() as session:
        add_people(session)
        fill(session, add_project(session), folder / "job")
        add_project(session, "empty", "유방암 전자의무기록")
        annotator = existing_account(session, "annotator@example.com")
        note_member(session, project_by_key(session, "general").id, annotator.id)
    database.engine.dispose()  # the last connection brings the log into the file
    return folder


@pytest.fixture
def filled(settings: Settings, _filled: Path) -> Database:
    """The settings' own database: a project in mid-life and an empty one."""
    settings.goldloop_home.mkdir(parents=True, exist_ok=True)
    shutil.copy(_filled / "goldloop.db", settings.goldloop_home / "goldloop.db")
    job = shutil.copytree(_filled / "job", settings.jobs / "run-5")
    database = connect(settings.database_address)
    with database.write() as session:
        session.execute(update(Run).where(Run.state == RunState.TRAINING).values(folder=str(job)))
    return database


@pytest.fixture(scope="session")
def _whole(tmp_path_factory: pytest.TempPathFactory, _filled: Path) -> Settings:
    """The settings of an installation in which every page has something to show."""
    settings = settings_in(tmp_path_factory.mktemp("whole"))
    shutil.copytree(_filled, settings.goldloop_home, dirs_exist_ok=True)
    database = connect(settings.database_address)
    with database.write() as session:
        job = settings.jobs / "run-5"
        shutil.copytree(_filled / "job", job)
        session.execute(update(Run).where(Run.state == RunState.TRAINING).values(folder=str(job)))
    fill_whole(settings, database)
    database.engine.dispose()
    return settings


@pytest.fixture
def whole(settings: Settings, _whole: Settings) -> Database:
    """The settings' own database, releases and jobs: everything that pages can show.

    A module that looks at it calls it `filled`, so that the application finds it.
    """
    shutil.copytree(_whole.goldloop_home, settings.goldloop_home, dirs_exist_ok=True)
    return connect(settings.database_address)


@pytest.fixture
def app(settings: Settings, filled: Database) -> Flask:
    """The application; Redis and the ML backend are down, as they may be."""
    return create_app(settings.model_copy(update=NOBODY_THERE))


def token_in(html: str) -> str:
    """The CSRF token of a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found, "the page has no form"
    return found[1]


@pytest.fixture
def sign_in(app: Flask) -> SignIn:
    """Sign in as `annotator`, `curator` or `admin`, through the form."""

    def signed_in(who: str) -> FlaskClient:
        client = app.test_client()
        form = {
            "email": f"{who}@example.com",
            "password": PASSWORD,
            "csrf_token": token_in(client.get("/login").text),
        }
        assert client.post("/login", data=form).status_code == 302
        return client

    return signed_in


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where a browser finds the application."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def new_page(chromium: Browser, address: str) -> Iterator[NewPage]:
    """Open a path in a Chromium that knows nothing yet, signed in as a curator or somebody else.

    Options are those of Playwright's `new_context`; an empty `email` signs nobody in.
    """
    contexts = []

    def opened(path: str = "/", *, email: str = CURATOR, **options: object) -> Page:
        context = chromium.new_context(base_url=address, **{"locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        if email:
            sign_in_by_hand(page, email)
        page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
