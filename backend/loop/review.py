"""Decisions about gold that may be wrong, and the tasks that they open again in Label Studio.

The decision is kept first. Where Label Studio does not answer then, or we are stopped in between,
the next tick opens the task.
"""

import logging

from backend.context import Context
from backend.db import review as queries
from backend.db import versions
from backend.db.tables import Document, Project
from backend.db.tables_of_review import Verdict
from backend.errors import (
    ConflictError,
    LabelStudioDownError,
    LabelStudioError,
    SettingsError,
)
from backend.workflow.review import decide as review
from backend.workflow.review.kinds import DOUBTS, ERRORS, Decision, ReviewKind, asked_about

DATA_FIELD = "goldloop_review"  # of a task: the address of the page that it was sent back from
GONE = "Label Studio"  # who takes a decision back about a task that is not there any more
_PAGES = {DOUBTS.name: "errors/doubts", ERRORS.name: "errors"}

log = logging.getLogger(__name__)


def decide(
    context: Context,
    project_id: int,
    kind: ReviewKind,
    number: int,
    revision: int,
    verdict: Verdict,
    by: str,
) -> Decision:
    """Keep a verdict, and open the task again that it sends back; see the stage.

    `to_reopen` stays where Label Studio does not answer. Raises what the stage raises, and
    ConflictError where the task is gone: nothing is decided then.
    """
    with context.database.write() as session:
        project = versions.locked_project(session, project_id)
        decision = review.decide(session, project, kind, number, revision, verdict, by)
    if decision.to_reopen:
        try:
            decision = _reopen(context, kind, decision)
        except (LabelStudioError, SettingsError) as error:
            log.warning("event=reopen_put_off decision=%d error=%s", decision.id, error)
    if verdict == Verdict.SENT and decision.withdrawn_at is not None:
        number = decision.document_id
        raise ConflictError(f"the task of document {number} is gone from Label Studio")
    return decision


def reopen_left(context: Context) -> None:
    """Open the tasks again that decisions left; raises LabelStudioDownError."""
    for kind in (DOUBTS, ERRORS):
        with context.database.read() as session:
            left = queries.to_reopen(session, kind.decision)
        for decision in left:
            try:
                _reopen(context, kind, decision)
            except LabelStudioDownError:
                raise
            except LabelStudioError as error:  # the others may fare better
                log.warning("event=reopen_refused decision=%d error=%s", decision.id, error)


def _reopen(context: Context, kind: ReviewKind, decision: Decision) -> Decision:
    """Open a task again, with the address of the page that it was sent back from.

    A decision about a task that is gone is taken back.
    """
    with context.database.read() as session:
        task_id = session.get_one(Document, decision.document_id).task_id
        key = session.get_one(Project, decision.project_id).key
    page = f"{_PAGES[kind.name]}/{asked_about(decision)}"
    address = f"{context.settings.public_url}/projects/{key}/{page}"
    there = task_id is not None and context.label_studio.reopen_task(task_id, {DATA_FIELD: address})
    with context.database.write() as session:
        project = versions.locked_project(session, decision.project_id)
        row: Decision = session.get_one(kind.decision, decision.id, with_for_update=True)
        if there or row.withdrawn_at is not None:
            row.to_reopen = False
        else:
            row = review.undo(session, project, kind, row.id, GONE)
    log.info("event=reopened decision=%d there=%s", decision.id, there)
    return row
