"""What somebody decides about items of the autolabel queue, in short transactions: few or many.

Pages, API and commands come through here, so that each decision is audited and rings the same jobs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from backend.context import Context
from backend.db import autolabel_queue, pool, versions
from backend.db.audit_log import record
from backend.db.projects import project_by_key
from backend.db.tables import Project, now
from backend.workflow import autolabel_moves as moves
from backend.workflow.autolabel_undo import Undone, undo
from ml_backend.contract.messages import DEFAULT_QUEUE

AT_ONCE = 500  # items a transaction
JOBS = ("backend.jobs.label_copies", "backend.jobs.top_up")

Stage = Callable[[Session, Project, Sequence[int], str, datetime], int]


class Decision(StrEnum):
    """What can be decided about an item."""

    ACCEPT = "accept"
    REJECT = "reject"
    SEND = "send"


STAGES: Mapping[Decision, Stage] = {
    Decision.ACCEPT: moves.accept,
    Decision.REJECT: moves.reject,
    Decision.SEND: moves.send,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """How many items were decided about and how many were passed over.

    `first` and `last` name the action for `take_back`; None where nothing was done.
    """

    items: int
    passed_over: int
    first: int | None = None
    last: int | None = None


def decide(
    context: Context,
    project_key: str,
    decision: Decision,
    ids: Sequence[int],
    by: str,
    *,
    seen: Mapping[int, datetime] | None = None,
    pass_over: bool = False,
) -> Decided:
    """Accept, reject or send the items of documents.

    With `seen`, nothing is done in a transaction in which one of them is no longer as it was seen.
    With `pass_over`, those that cannot be decided about now are left; without it they raise
    ConflictError. Raises NotFoundError for a document without an item.
    """
    time, total = now(), 0
    ranges: list[tuple[int, int]] = []
    wanted = list(dict.fromkeys(ids))
    for chunk in pool.chunks(wanted, AT_ONCE):
        with context.database.write() as session:
            project = versions.locked_project(session, project_by_key(session, project_key).id)
            looked_at = {one: seen[one] for one in chunk if one in seen} if seen else {}
            moves.refuse_changed(session, looked_at)
            possible = moves.free(session, project, chunk) if pass_over else chunk
            if not possible:
                continue
            total += STAGES[decision](session, project, possible, by, time)
            changed = autolabel_queue.changes_of(session, possible, by, time)
            assert changed is not None
            ranges.append(changed)
            record(
                session,
                by,
                f"autolabel.{decision}",
                project_id=project.id,
                subject=f"{len(possible)} documents from {possible[0]} on",
                after={"documents": possible[:20], "changes": list(changed)},
            )
    if not ranges:
        return Decided(0, len(wanted))
    _ring(context, project.id)
    return Decided(total, len(wanted) - total, ranges[0][0], ranges[-1][1])


def take_back(context: Context, project_key: str, first: int, last: int, by: str) -> Undone:
    """Undo an action; raises NotFoundError when there is none of these changes."""
    with context.database.write() as session:
        project = versions.locked_project(session, project_by_key(session, project_key).id)
        undone = undo(session, project, first, last, by, now())
        after = {"changes": [first, last], "documents": undone.items}
        record(session, by, "autolabel.undo", project_id=project.id, after=after)
    _ring(context, project.id)
    return undone


def _ring(context: Context, project_id: int) -> None:
    for job in JOBS:
        context.queue.ring(DEFAULT_QUEUE, job, project_id, job_id=f"{job}-{project_id}")
