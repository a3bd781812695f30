"""The worker processes of the three queues, made to outlive Redis.

RQ's own loop waits while Redis is away, but ends when Redis goes during a job; `run_worker` begins
it again, with a growing pause, until somebody asks it to stop.
"""

import importlib
import logging
import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.executions import Execution
from rq.job import Job
from rq.worker import BaseWorker, SpawnWorker

from backend.logs import JOB_ID, set_up_logging
from ml_backend.contract.messages import DEFAULT_QUEUE, PREDICT_FILE_JOB, PREDICT_QUEUE, TRAIN_QUEUE

LONGEST_PAUSE = 5.0  # seconds between attempts to reach Redis

log = logging.getLogger(__name__)


class ResidentWorker(SimpleWorker):
    """Runs jobs in its own process: what a job loaded (a model) is there for the next."""

    max_connection_wait_time = LONGEST_PAUSE

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        with _job_id(job):
            return super().perform_job(job, queue, execution)


class TrainWorker(SpawnWorker):
    """Runs each job in a freshly started process that inherits nothing: safe for CUDA."""

    max_connection_wait_time = LONGEST_PAUSE

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        set_up_logging(os.environ.get("LOG_LEVEL", "INFO"))
        with _job_id(job):
            return super().perform_job(job, queue, execution)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        # the training goes on without Redis: its folder is the truth
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            log.warning("event=heartbeat_lost job_id=%s error=%s", job.id, error)


WORKERS: dict[str, type[BaseWorker]] = {
    DEFAULT_QUEUE: ResidentWorker,
    PREDICT_QUEUE: ResidentWorker,
    TRAIN_QUEUE: TrainWorker,
}
# loaded before the first job, so that the first bulk prediction need not wait for it
WARM_UP = {
    DEFAULT_QUEUE: ("backend.jobs",),
    PREDICT_QUEUE: (PREDICT_FILE_JOB.rpartition(".")[0], "ml_backend.tagger.predict"),
}


def run_worker(queue: str, redis_address: str) -> None:
    """Work on a queue until SIGTERM or SIGINT; Redis may come and go."""
    for module in WARM_UP.get(queue, ()):
        importlib.import_module(module)
    pause = 0.5
    while True:
        _leave_when_asked()
        worker = None
        try:
            worker = WORKERS[queue]([queue], connection=_connect(redis_address), name=_name(queue))
            log.info("event=worker_started queue=%s worker=%s", queue, worker.name)
            worked = worker.work(logging_level=None)
        except RedisError as error:
            worked = False
            log.warning("event=redis_away queue=%s error=%s", queue, error)
        if worker is not None and worker._shutdown_requested_date is not None:
            log.info("event=worker_stopped queue=%s worker=%s", queue, worker.name)
            return
        _leave_when_asked()
        pause = 0.5 if worked else min(LONGEST_PAUSE, pause * 2)
        log.warning("event=worker_restarts queue=%s seconds=%s", queue, pause)
        time.sleep(pause)


def _connect(redis_address: str) -> Redis:
    return Redis.from_url(redis_address, socket_connect_timeout=2.0)


def _name(queue: str) -> str:
    return f"{queue}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


def _leave_when_asked() -> None:
    """Between two of RQ's loops, its signal handlers would speak for a worker that is gone."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)


@contextmanager
def _job_id(job: Job) -> Iterator[None]:
    token = JOB_ID.set(job.id)
    try:
        yield
    finally:
        JOB_ID.reset(token)
