"""The audit of what the rule accepted: places for its tasks, and the look at what came of them."""

import logging

from backend.context import Context
from backend.db import autolabels, versions
from backend.db.tables import Project, now
from backend.db.tables_of_autolabel import Audit, Promise
from backend.workflow.autolabels import audited as stage
from backend.workflow.autolabels.audit import AuditState
from ml_backend.contract.messages import DEFAULT_QUEUE

LABEL_COPIES = "backend.jobs.label_copies"

log = logging.getLogger(__name__)


def watch(context: Context, project_id: int) -> list[AuditState]:
    """Look at each promise whose audit has gone on; what contradicted ones accepted is recalled.

    Returns what was found where there was something to look at.
    """
    with context.database.read() as session:
        counts = autolabels.audit_counts(session, project_id)
        watched = autolabels.watched_promises(session, project_id)
    found = [
        _look(context, promise)
        for promise in watched
        if stage.seen_counts(promise)
        != tuple(counts.get((promise.id, one), 0) for one in (Audit.RIGHT, Audit.WRONG))
    ]
    with context.database.read() as session:
        stopped = autolabels.half_recalled(session, project_id)
    for promise_id in stopped:
        _recall(context, project_id, promise_id)
    return found


def give_places(context: Context, project_id: int) -> int:
    """Give documents of the audit their places in the queue of Label Studio; how many."""
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        if project.writable_id is None or not stage.wants_places(session, project):
            return 0
    with context.database.write() as session:
        return stage.give_places(session, versions.locked_project(session, project_id))


def _look(context: Context, promise: Promise) -> AuditState:
    with context.database.write() as session:
        versions.locked_project(session, promise.project_id)
        row = session.get_one(Promise, promise.id, with_for_update=True)
        found = stage.look(session, row, now())
    log.info(
        "event=audit promise=%d right=%d wrong=%d upper=%.4f state=%s",
        promise.id,
        found.right,
        found.wrong,
        found.upper,
        row.state,
    )
    return found


def _recall(context: Context, project_id: int, promise_id: int) -> None:
    """Take back all that a promise had accepted, chunk by chunk."""
    recalled = 0
    while True:
        with context.database.write() as session:
            project = versions.locked_project(session, project_id)
            promise = session.get_one(Promise, promise_id)
            recalled += stage.recall(session, project, promise)
            if promise.figures["recalled_all"]:
                break
    log.warning("event=recalled promise=%d documents=%d", promise_id, recalled)
    job_id = f"{LABEL_COPIES}-{project_id}"
    context.queue.ring(DEFAULT_QUEUE, LABEL_COPIES, project_id, job_id=job_id)
