"""`goldloop ml-backend`: the ML backend under gunicorn."""

import logging
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from ml_backend.settings import MlSettings, MlSettingsError, load_settings

GRACE = 100  # seconds for requests in flight when asked to stop: Label Studio waits as long


class MlBackendServer(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """One process with threads: one copy of each model, and one place where it is swapped."""

    def __init__(self, settings: MlSettings, bind: str, threads: int):
        self._settings = settings
        self._options: dict[str, Any] = {
            "bind": bind,
            "workers": 1,
            "worker_class": "gthread",
            "threads": threads,
            "keepalive": 75,
            "graceful_timeout": GRACE,
            "timeout": 120,
            "proc_name": "goldloop-ml-backend",
            "loglevel": settings.log_level.lower(),
            "control_socket_disable": True,
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            if name in self.cfg.settings:  # the control socket is newer than our lower bound
                self.cfg.set(name, value)

    def load(self) -> Any:
        # In the worker process, after the fork: torch and threads must not be inherited.
        from ml_backend.serving.app import create_app  # noqa: PLC0415

        return create_app(self._settings)


@click.command("ml-backend")
@click.option("--bind", metavar="HOST:PORT", help="Where to listen; default: ML_BACKEND_BIND.")
@click.option("--threads", type=click.IntRange(2, 512), help="Requests answered at once.")
def ml_backend(bind: str | None, threads: int | None) -> None:
    """Serve predictions to Label Studio and to anyone's program."""
    try:
        settings = load_settings()
        settings.require_password()
    except MlSettingsError as error:
        raise click.ClickException(str(error)) from error
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s level=%(levelname)s %(name)s %(message)s"
    )
    MlBackendServer(
        settings, bind or settings.ml_backend_bind, threads or settings.ml_backend_threads
    ).run()
