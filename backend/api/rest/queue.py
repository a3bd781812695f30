"""Jobs in the queue and the workers that take them."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints
from redis.exceptions import RedisError

from backend.api.rest.asking import asked_by, opened
from backend.api.rest.fields import Done, Told
from backend.api.rest.operation import Operations
from backend.db.audit_log import record
from backend.errors import ConflictError, QueueDownError

queue = Operations("Jobs")

JobId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,200}$")]


class JobTold(Told):
    """A job; `reason` says why it failed."""

    id: str
    job: str
    queue: str
    state: str
    since: datetime | None
    reason: str


class WorkerTold(Told):
    """A process that takes jobs of one queue."""

    name: str
    queue: str
    busy: bool
    beat: datetime | None
    done: int
    failed: int


class QueueTold(Told):
    """What waits, runs and failed, and who works."""

    jobs: list[JobTold]
    workers: list[WorkerTold]


@queue.get("/jobs")
def list_jobs() -> QueueTold:
    """Jobs that run, wait and failed, and the workers alive."""
    try:
        jobs, workers = opened().queue.jobs.jobs(), opened().queue.jobs.workers()
    except RedisError:
        raise QueueDownError("Redis does not answer now") from None
    return QueueTold(
        jobs=[JobTold.model_validate(one) for one in jobs],
        workers=[WorkerTold.model_validate(one) for one in workers],
    )


@queue.post("/jobs/{job_id}/cancel")
def cancel_job(job_id: JobId) -> Done:
    """Take a waiting job out of its queue."""
    return _change(job_id, "cancel", "does not wait any more")


@queue.post("/jobs/{job_id}/retry")
def retry_job(job_id: JobId) -> Done:
    """Put a failed job into its queue again."""
    return _change(job_id, "retry", "is not among the failed any more")


def _change(job_id: str, action: str, otherwise: str) -> Done:
    jobs = opened().queue.jobs
    try:
        done = {"cancel": jobs.cancel, "retry": jobs.retry}[action](job_id)
    except RedisError:
        raise QueueDownError("Redis does not answer now") from None
    if not done:
        raise ConflictError(f"job {job_id} {otherwise}")
    with opened().database.write() as session:
        record(session, asked_by(), f"job.{action}", subject=f"job {job_id}")
    return Done(message=f"job {job_id}: {action} done")
