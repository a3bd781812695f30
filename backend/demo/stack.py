"""The whole of Goldloop as processes on this machine: what `make demo` runs and tests drive.

Everything that the settings leave empty is embedded: Redis, Label Studio, SQLite, the model
store. What they name is used as it is. Ports and secrets are made once and kept in
`GOLDLOOP_HOME/demo.json`, so that a second start is the same installation.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from backend.commands.db import upgrade_database
from backend.context import Context, open_context
from backend.demo.kept import Kept
from backend.embedded import label_studio as embedded_label_studio
from backend.embedded import redis as embedded_redis
from backend.embedded.processes import Processes
from backend.errors import GoldloopError
from backend.settings import Settings

READY_SECONDS = 180.0
LABEL_STUDIO_EMAIL = "annotator@example.com"
WORKERS = {"worker-default": "default", "worker-predict": "predict", "worker-train": "train"}

Say = Callable[[str], None]


@dataclass
class Stack:
    """The running processes and the settings under which each of them was started."""

    settings: Settings
    processes: Processes
    label_studio_login: tuple[str, str] | None = None  # e-mail and password of the embedded one
    context: Context = field(init=False)

    def __post_init__(self) -> None:
        self.context = open_context(self.settings)

    @property
    def environment(self) -> dict[str, str]:
        """The settings as environment variables, for a child."""
        return environment_of(self.settings)

    def start_service(self, name: str) -> None:
        """Start one of our own services by its name in docker-compose.yml."""
        command = {
            "admin": ["admin"],
            "ml-backend": ["ml-backend"],
            "scheduler": ["scheduler"],
            **{worker: ["worker", queue] for worker, queue in WORKERS.items()},
        }[name]
        executable = str(Path(sys.executable).with_name("goldloop"))
        self.processes.start(name, [executable, *command], self.environment)

    def start_redis(self) -> None:
        """Start the embedded Redis on its socket."""
        process = embedded_redis.start(self.settings, log=self.processes.logs / "redis.log")
        self.processes.adopt("redis", process)

    def wait_web(self, name: str, url: str) -> None:
        """Wait until a web service answers 200, or raise when it died or took too long."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.processes.check()
            try:
                if httpx.get(url, timeout=5.0).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.2)
        raise GoldloopError(f"{name} did not answer at {url} within {READY_SECONDS:.0f} s")


@contextmanager
def running_stack(settings: Settings, say: Say) -> Iterator[Stack]:
    """Start what is needed in order, yield when all of it answers, stop all of it at the end."""
    home = settings.goldloop_home.resolve()
    settings = settled(settings)
    processes = Processes(home / "logs")
    try:
        login = None
        if not settings.label_studio_url:
            say("Label Studio: starting")
            settings, login = _start_label_studio(settings, processes, say)
        say("database: migrating")
        upgrade_database(settings)
        stack = Stack(settings, processes, login)
        if not settings.redis_url:
            stack.start_redis()
        for name in ("ml-backend", "admin", *WORKERS, "scheduler"):
            say(f"{name}: starting")
            stack.start_service(name)
        stack.wait_web("the ML backend", f"{settings.ml_backend_url}/health")
        stack.wait_web("the admin application", f"{settings.public_url}/health")
        yield stack
    finally:
        say("stopping")
        processes.stop_all()


def settled(settings: Settings) -> Settings:
    """The settings with free ports and generated secrets where none were given."""
    kept = kept_by(settings)
    changes: dict[str, Any] = {}
    for name in ("secret_key", "webhook_secret", "ml_backend_password"):
        if not getattr(settings, name).get_secret_value():
            changes[name] = kept.secret(name)
    for bind, url in (("admin_bind", "public_url"), ("ml_backend_bind", "ml_backend_url")):
        if bind not in settings.model_fields_set and url not in settings.model_fields_set:
            changes[bind] = f"127.0.0.1:{kept.port(bind)}"
            changes[url] = f"http://{changes[bind]}"
    return _changed(settings, changes)


def kept_by(settings: Settings) -> Kept:
    """What this installation keeps between starts."""
    return Kept(settings.goldloop_home.resolve() / "demo.json")


def environment_of(settings: Settings) -> dict[str, str]:
    """Every setting as the environment variable that would set it; empty ones are left out."""
    environment = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if plain not in (None, ""):
            environment[name.upper()] = (
                str(plain.resolve()) if isinstance(plain, Path) else str(plain)
            )
    return environment


def _start_label_studio(
    settings: Settings, processes: Processes, say: Say
) -> tuple[Settings, tuple[str, str]]:
    kept = kept_by(settings)
    email, password = LABEL_STUDIO_EMAIL, kept.secret("label_studio_password", 12)
    port = kept.port("label_studio_port")
    embedded_label_studio.install(settings.label_studio_venv, say)
    url = f"http://127.0.0.1:{port}"
    process = embedded_label_studio.start(
        settings.label_studio_venv,
        data=settings.goldloop_home.resolve() / "label-studio",
        port=port,
        email=email,
        password=password,
        log=processes.logs / "label-studio.log",
    )
    processes.adopt("label-studio", process)
    embedded_label_studio.wait_ready(url, process)
    token = embedded_label_studio.personal_access_token(
        url, email, password, settings.goldloop_home.resolve() / "label-studio-token"
    )
    changed = _changed(settings, {"label_studio_url": url, "label_studio_api_key": token})
    return changed, (email, password)


def _changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    return Settings.model_validate({**dict(settings), **changes})
