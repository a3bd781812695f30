"""What the queues hold, for people to see: jobs that run, wait or failed, and who works on them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from redis import Redis
from rq import Queue, Worker
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import DeferredJobRegistry, FailedJobRegistry, StartedJobRegistry

from ml_backend.contract.messages import JobFolder, Progress
from ml_backend.contract.reasons import reason_from

MOST_JOBS = 50  # shown of each queue and state

State = Literal["running", "queued", "failed"]


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """One ring of the bell. `since` is when it got into its state, `traceback` why it failed."""

    id: str
    job: str  # dotted name
    args: tuple[Any, ...]
    queue: str
    state: State
    since: datetime | None
    traceback: str = ""

    @property
    def reason(self) -> str:
        """Why it failed, in a sentence; nothing where nobody knows."""
        lines = [line for line in self.traceback.strip().splitlines() if line.strip()]
        if not lines:
            return ""
        kind, _, sentence = lines[-1].partition(": ")
        module, _, name = kind.rpartition(".")
        return reason_from(module, name, sentence)

    @property
    def folder(self) -> JobFolder | None:
        """The job folder that it works on, where it was given one."""
        first = self.args[0] if self.args else None
        return JobFolder(Path(first)) if isinstance(first, str) and "/" in first else None

    @property
    def progress(self) -> Progress | None:
        """How far a running job says it is."""
        folder = self.folder if self.state == "running" else None
        return folder.progress() if folder is not None else None


@dataclass(frozen=True, slots=True)
class AliveWorker:
    """A process that takes jobs of a queue."""

    name: str
    queue: str
    busy: bool
    beat: datetime | None
    done: int
    failed: int


class QueueJobs:
    """Looks at the queues, moves single jobs; every method raises RedisError when Redis is down."""

    def __init__(self, redis: Redis, queues: Iterable[str]):
        self._redis, self._queues = redis, tuple(queues)

    def jobs(self) -> list[QueuedJob]:
        """Running jobs first, then waiting ones in their order, then failed ones, newest first."""
        found: dict[State, list[QueuedJob]] = {"running": [], "queued": [], "failed": []}
        for name in self._queues:
            queue = Queue(name, connection=self._redis)
            ids: dict[State, list[str]] = {
                "running": StartedJobRegistry(queue=queue).get_job_ids(cleanup=False),
                "queued": [
                    *queue.get_job_ids(0, MOST_JOBS),
                    *DeferredJobRegistry(queue=queue).get_job_ids(cleanup=False),
                ],
                "failed": FailedJobRegistry(queue=queue).get_job_ids(
                    0, MOST_JOBS - 1, desc=True, cleanup=False
                ),
            }
            for state, its in ids.items():
                found[state] += self._read(its[:MOST_JOBS], name, state)
        found["failed"].sort(
            key=lambda job: job.since.timestamp() if job.since else 0, reverse=True
        )
        return [job for jobs in found.values() for job in jobs]

    def workers(self) -> list[AliveWorker]:
        """Every worker that is alive, by queue and name."""
        found = [
            AliveWorker(
                worker.name,
                ", ".join(worker.queue_names()),
                worker.get_current_job_id() is not None,
                worker.last_heartbeat,
                worker.successful_job_count,
                worker.failed_job_count,
            )
            for worker in Worker.all(connection=self._redis)
        ]
        return sorted(found, key=lambda worker: (worker.queue, worker.name))

    def cancel(self, job_id: str) -> bool:
        """Take a waiting job out of its queue; False when it does not wait any more."""
        job = self._fetch(job_id)
        if job is None:
            return False
        queue = Queue(job.origin, connection=self._redis)
        if not queue.remove(job):
            deferred = DeferredJobRegistry(queue=queue)
            if job.id not in deferred.get_job_ids(cleanup=False):
                return False
        job.delete()
        return True

    def retry(self, job_id: str) -> bool:
        """Put a failed job into its queue again; False when it is not among the failed any more."""
        job = self._fetch(job_id)
        if job is None:
            return False
        try:
            FailedJobRegistry(queue=Queue(job.origin, connection=self._redis)).requeue(job)
        except InvalidJobOperation:
            return False
        return True

    def job(self, job_id: str) -> QueuedJob | None:
        """A job by its id, whatever its state; None when there is none."""
        job = self._fetch(job_id)
        return self._job(job, job.origin, "queued") if job is not None else None

    def _fetch(self, job_id: str) -> Job | None:
        try:
            return Job.fetch(job_id, connection=self._redis)
        except (NoSuchJobError, ValueError):  # the second: no job can have such an id
            return None

    def _read(self, ids: Iterable[str], queue: str, state: State) -> Iterator[QueuedJob]:
        for job in Job.fetch_many(list(ids), connection=self._redis):
            if job is not None:
                yield self._job(job, queue, state)

    def _job(self, job: Job, queue: str, state: State) -> QueuedJob:
        since = {"running": job.started_at, "queued": job.enqueued_at, "failed": job.ended_at}[
            state
        ]
        result = job.latest_result() if state == "failed" else None
        traceback = (result.exc_string or "") if result is not None else ""
        return QueuedJob(
            job.id, job.func_name or "", tuple(job.args or ()), queue, state, since, traceback
        )
