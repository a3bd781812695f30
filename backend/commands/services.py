"""`goldloop admin`, `goldloop worker`, `goldloop scheduler`: the application's processes."""

import importlib
import signal
from types import FrameType
from typing import Any

import click
from gunicorn.app.base import BaseApplication

from backend import schedule
from backend.clients.queue import QUEUES, JobQueue
from backend.clients.workers import run_worker
from backend.logs import set_up_logging
from backend.settings import load_settings

ADMIN_THREADS = 16
ADMIN_TIMEOUT = 120  # seconds; an export streams, and threads keep the heartbeat


@click.command()
@click.option("--bind", help="host:port; by default ADMIN_BIND")
def admin(bind: str | None) -> None:
    """Serve the admin application and the webhook endpoint."""
    settings = load_settings()
    set_up_logging(settings.log_level)
    _Gunicorn("backend.app", "create_app", bind or settings.admin_bind).run()


@click.command()
@click.argument("queue", type=click.Choice(QUEUES))
def worker(queue: str) -> None:
    """Work on one queue: default (our jobs), predict (bulk tagging) or train."""
    settings = load_settings()
    set_up_logging(settings.log_level)
    run_worker(queue, settings.redis_address)


@click.command()
def scheduler() -> None:
    """Ring the periodic work: look at runs and inbox, reconcile, clean up."""
    settings = load_settings()
    set_up_logging(settings.log_level)

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    schedule.run_schedule(JobQueue(settings.redis_address), schedule.table(settings))


class _Gunicorn(BaseApplication):  # type: ignore[misc]
    """One gthread process that serves what a factory of ours makes."""

    def __init__(self, module: str, factory: str, bind: str):
        self._module, self._factory, self._bind = module, factory, bind
        super().__init__()

    def load_config(self) -> None:
        for name, value in (
            ("bind", self._bind),
            ("worker_class", "gthread"),
            ("workers", 1),
            ("threads", ADMIN_THREADS),
            ("timeout", ADMIN_TIMEOUT),
            ("proc_name", "goldloop-admin"),
        ):
            self.cfg.set(name, value)

    def load(self) -> Any:
        return getattr(importlib.import_module(self._module), self._factory)()
