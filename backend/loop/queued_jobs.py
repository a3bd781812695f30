"""Jobs in the queues, at somebody's word: a waiting one taken out, a failed one tried again."""

from typing import Literal

from redis.exceptions import RedisError

from backend.clients.queue_jobs import AliveWorker, QueuedJob
from backend.context import Context
from backend.db.audit_log import record
from backend.errors import ConflictError, NotFoundError, QueueDownError

Action = Literal["cancel", "retry"]

REDIS_IS_DOWN = "Redis does not answer now: try again when it is back"
_DONE: dict[Action, str] = {"cancel": "cancelled", "retry": "tried again"}


def look(context: Context) -> tuple[list[QueuedJob], list[AliveWorker]]:
    """The jobs that run, wait and failed, and the workers alive; raises QueueDownError."""
    jobs = context.queue.jobs
    try:
        return jobs.jobs(), jobs.workers()
    except RedisError:
        raise QueueDownError(REDIS_IS_DOWN) from None


def move(
    context: Context, job_id: str, action: Action, by: str, *, project_id: int | None = None
) -> None:
    """Take a waiting job out of its queue, or put a failed one in again; the log keeps which.

    Raises NotFoundError, ConflictError when it has moved on meanwhile, and QueueDownError.
    """
    jobs = context.queue.jobs
    try:
        found = jobs.job(job_id)
        done = found is not None and {"cancel": jobs.cancel, "retry": jobs.retry}[action](job_id)
    except RedisError:
        raise QueueDownError(REDIS_IS_DOWN) from None
    if found is None:
        raise NotFoundError("job", job_id)
    if not done:
        raise ConflictError(f"the job has moved on meanwhile: it was not to be {_DONE[action]}")
    with context.database.write() as session:
        record(session, by, f"job.{action}", project_id=project_id, subject=found.job)
