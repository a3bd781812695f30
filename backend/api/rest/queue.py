"""Jobs in the queue and the workers that take them."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from backend.api.rest.asking import asked_by
from backend.api.rest.fields import LARGEST_PAGE, Done, Page, Strict, Told, page
from backend.api.rest.operation import Operations
from backend.loop.queued_jobs import look, move
from backend.opened import opened

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


class WorkersTold(Told):
    """The processes alive that take jobs."""

    workers: list[WorkerTold]


class JobsWanted(Strict):
    """Which part of the jobs."""

    after: Annotated[JobId | None, Field(description="`next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="rows at most")] = 50


@queue.get("/jobs")
def list_jobs(query: JobsWanted) -> Page[JobTold]:
    """Jobs that run, wait and failed, by id: so one that moves on meanwhile is told once."""
    jobs, _ = look(opened())
    rest = sorted((one for one in jobs if one.id > (query.after or "")), key=lambda one: one.id)
    return page(rest, query.limit, key=lambda one: one.id, told=JobTold.model_validate)


@queue.get("/workers")
def show_workers() -> WorkersTold:
    """The workers alive."""
    _, workers = look(opened())
    return WorkersTold(workers=[WorkerTold.model_validate(one) for one in workers])


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
