"""Jobs in the queue and the workers that take them."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from backend.api.rest.asking import asked_by, opened
from backend.api.rest.fields import Done, Told
from backend.api.rest.operation import Operations
from backend.loop.queued_jobs import look, move

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
    jobs, workers = look(opened())
    return QueueTold(
        jobs=[JobTold.model_validate(one) for one in jobs],
        workers=[WorkerTold.model_validate(one) for one in workers],
    )


@queue.post("/jobs/{job_id}/cancel")
def cancel_job(job_id: JobId) -> Done:
    """Take a waiting job out of its queue."""
    move(opened(), job_id, "cancel", asked_by())
    return Done(message=f"job {job_id} is out of its queue")


@queue.post("/jobs/{job_id}/retry")
def retry_job(job_id: JobId) -> Done:
    """Put a failed job into its queue again."""
    move(opened(), job_id, "retry", asked_by())
    return Done(message=f"job {job_id} waits in its queue again")
