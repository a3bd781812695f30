"""Periodic work: one table, and the loop that rings it.

Not `rq.cron`: that loop ends with Redis, and adds a job each time whether or not the last one has
begun. Here a lost ring is rung again at its next time, and one waiting job of a kind is enough.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.clients.queue import JobQueue
from backend.settings import Settings
from ml_backend.contract.messages import DEFAULT_QUEUE

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job of the default queue and the seconds between two rings of it."""

    job: str
    every: float


def table(settings: Settings) -> list[Periodic]:
    """All periodic work."""
    return [
        Periodic("backend.jobs.tick", settings.tick_every),
        Periodic("backend.jobs.sync_projects", settings.sync_every),
        Periodic("backend.jobs.clean_up_projects", max(60, settings.sync_every)),
    ]


def run_schedule(
    queue: JobQueue,
    work: list[Periodic],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    rounds: int | None = None,
) -> None:
    """Ring each kind of work when it is due, `rounds` times or for ever; the first at once."""
    due = {periodic: clock() for periodic in work}
    log.info("event=scheduler_started kinds=%d", len(work))
    while rounds is None or rounds > 0:
        rounds = rounds - 1 if rounds is not None else None
        for periodic in work:
            if due[periodic] <= clock():
                queue.ring(DEFAULT_QUEUE, periodic.job, job_id=f"periodic-{periodic.job}")
                due[periodic] = clock() + periodic.every
        sleep(max(0.05, min(due.values()) - clock()))
