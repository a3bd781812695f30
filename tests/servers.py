"""The real servers that tests use, as small objects; the fixtures are in conftest.py."""

import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pgserver
import psycopg

from backend.embedded import label_studio, redis
from backend.settings import Settings

EMAIL, PASSWORD = "annotator@example.com", "tests-only-password"
REPOSITORY = Path(__file__).parents[1]


class RedisServer:
    """A Redis on the settings' socket; `stop` and `start` keep what was written."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.address = settings.redis_address
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        self.process = redis.start(self.settings, log=self.settings.goldloop_home / "redis.log")
        return self

    def stop(self) -> None:
        if self.process is not None:
            end(self.process)
        self.process = None


@dataclass
class LabelStudioServer:
    """A Label Studio with one user."""

    url: str
    api_key: str
    email: str
    password: str
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path) -> Self:
        """Start one on a free port, with its data in `folder`; installed first when lacking."""
        venv = REPOSITORY / Settings.model_fields["label_studio_venv"].default
        label_studio.install(venv, print)
        port = free_port()
        process = label_studio.start(
            venv,
            data=folder,
            port=port,
            email=EMAIL,
            password=PASSWORD,
            log=folder / "label-studio.log",
        )
        url = f"http://127.0.0.1:{port}"
        try:
            label_studio.wait_ready(url, process)
            token = label_studio.personal_access_token(url, EMAIL, PASSWORD, folder / "token")
        except Exception:
            end(process)
            raise
        return cls(url, token, EMAIL, PASSWORD, process)

    def stop(self) -> None:
        end(self.process)


class PostgresqlServer:
    """A PostgreSQL from the pgserver wheel; every database asked of it is a new one.

    It waits for no disk: a test's data need not outlive the machine.
    """

    def __init__(self, folder: Path):
        self._server = pgserver.get_server(folder, cleanup_mode="delete")
        self._made = 0
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            for name in ("fsync", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("ALTER SYSTEM SET max_wal_size = '128MB'")
            connection.execute("SELECT pg_reload_conf()")

    def address(self, database: str) -> str:
        """The SQLAlchemy address of one database."""
        address: str = self._server.get_uri(database)
        return address.replace("postgresql://", "postgresql+psycopg://", 1)

    def create(self, *, template: str = "template1", name: str | None = None) -> str:
        """Make an empty database, or the copy of another; returns its address."""
        self._made += 1
        name = name or f"test_{self._made}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def drop(self, address: str) -> None:
        """Remove a database that `create` made, whoever still has it open."""
        name = address.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def stop(self) -> None:
        self._server.cleanup()


def free_port() -> int:
    """A port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def chromium_path() -> str:
    """Where Chromium or Chrome is; raises FileNotFoundError."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("install chromium (make setup does, as root): tests drive a real one")


def end(process: subprocess.Popen[bytes], seconds: float = 10.0) -> None:
    """Stop a process of a session of its own, and what it started."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
