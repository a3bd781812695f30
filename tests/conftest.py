"""Fixtures shared by all tests. A missing tool fails a test; it never skips one."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from playwright.sync_api import Browser, sync_playwright

from backend.commands.db import upgrade_database
from backend.db.session import Database, connect
from backend.settings import Settings
from tests.servers import LabelStudioServer, PostgresqlServer, RedisServer, chromium_path

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# No test asserts a time: a busy machine is no failure. The examples are the same each time, so that
# a failure comes of a change; HYPOTHESIS_PROFILE=search looks for others.
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))


def settings_in(home: Path, **given: object) -> Settings:
    """Settings that know nothing of this machine's environment and lack no secret."""
    made = {
        name: secrets.token_urlsafe(32)
        for name in ("secret_key", "webhook_secret", "ml_backend_password")
    }
    return Settings(_env_file=None, **{"goldloop_home": home, **made, **given})


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Everything embedded below a folder of the test's own."""
    return settings_in(tmp_path / "home")


@pytest.fixture(scope="session")
def _migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = settings_in(tmp_path_factory.mktemp("sqlite"))
    upgrade_database(settings)
    return settings.goldloop_home / "goldloop.db"


@pytest.fixture
def database(settings: Settings, _migrated_sqlite: Path) -> Iterator[Database]:
    """The settings' own SQLite, with every table."""
    settings.goldloop_home.mkdir(parents=True, exist_ok=True)
    shutil.copy(_migrated_sqlite, settings.goldloop_home / "goldloop.db")
    opened = connect(settings.database_address)
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresqlServer]:
    """A PostgreSQL with a migrated database `migrated` to copy."""
    # outside of pytest's own folder: as root, PostgreSQL runs as another user, whom that shuts out
    folder = Path(tempfile.mkdtemp(prefix="goldloop-postgresql-"))
    server = PostgresqlServer(folder)
    address = server.create(name="migrated")
    upgrade_database(settings_in(tmp_path_factory.mktemp("unused"), database_url=address))
    yield server
    server.stop()


@pytest.fixture
def postgresql_url(postgresql: PostgresqlServer) -> Iterator[str]:
    """The address of a fresh PostgreSQL database with every table, gone after the test."""
    address = postgresql.create(template="migrated")
    yield address
    postgresql.drop(address)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.real)])
def any_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database with every table: the test runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("database")
        return
    opened = connect(request.getfixturevalue("postgresql_url"))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def redis_server(settings: Settings) -> Iterator[RedisServer]:
    """A real Redis on the settings' socket, with `stop()` and `start()`."""
    server = RedisServer(settings)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    """The one real Label Studio of this test session: make projects of your own in it."""
    server = LabelStudioServer.start(tmp_path_factory.mktemp("label-studio"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A real Chromium, driven by Playwright: open a context of your own in it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
