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
from backend.errors import ConflictError, GoldloopError
from backend.workflow.autolabels import moves
from backend.workflow.autolabels.undo import Undone, pieces, undo
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

    `first` and `last` name the action for `take_back`; None where nothing was done. `stopped` is
    why no more was done, where something stood in the way after the first transaction.
    """

    items: int
    passed_over: int
    first: int | None = None
    last: int | None = None
    stopped: str = ""


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
    ConflictError, and so do those of which people have since rejected what would become gold.
    Raises NotFoundError for a document without an item. What is raised after the first transaction
    is told instead, as `stopped`: what was done can be undone.
    """
    time, total, stopped = now(), 0, ""
    ranges: list[tuple[int, int]] = []
    wanted = list(dict.fromkeys(ids))
    with context.database.read() as session:
        project_id = project_by_key(session, project_key).id
    for chunk in pool.chunks(wanted, AT_ONCE):
        looked_at = {one: seen[one] for one in chunk if one in seen} if seen else {}
        try:
            asked = chunk
            if decision is Decision.ACCEPT:
                asked = _as_shown(context, project_id, chunk, time, pass_over=pass_over)
            with context.database.write() as session:
                project = versions.locked_project(session, project_id)
                moves.refuse_changed(session, looked_at)
                possible = moves.free(session, project, asked) if pass_over else asked
                if not possible:
                    continue
                decided, changed = _decide(session, project, decision, possible, by, time)
        except GoldloopError as error:
            if not ranges:
                raise
            stopped = str(error)
            break
        total += decided
        ranges.append(changed)
    if not ranges:
        return Decided(0, len(wanted))
    _ring(context, project_id)
    return Decided(total, len(wanted) - total, ranges[0][0], ranges[-1][1], stopped)


def take_back(context: Context, project_key: str, first: int, last: int, by: str) -> Undone:
    """Undo an action, in short transactions; raises NotFoundError when there is no such action.

    When it breaks off, what is undone stays so, and asking again undoes the rest.
    """
    with context.database.read() as session:
        project_id = project_by_key(session, project_key).id
        ranges = pieces(session, project_id, first, last, AT_ONCE)
    items = kept = 0
    for begin, end in ranges:
        with context.database.write() as session:
            project = versions.locked_project(session, project_id)
            undone = undo(session, project, begin, end, by, now())
            after = {"changes": [begin, end], "documents": undone.items}
            record(session, by, "autolabel.undo", project_id=project_id, after=after)
        items, kept = items + undone.items, kept + undone.kept
    _ring(context, project_id)
    return Undone(items, kept)


def _as_shown(
    context: Context, project_id: int, ids: Sequence[int], time: datetime, *, pass_over: bool
) -> list[int]:
    """Those whose items would become the gold that they are shown as.

    Of the others it is noted what people have rejected, so that whoever looks again sees it.
    """
    with context.database.write() as session:
        project = versions.locked_project(session, project_id)
        other = moves.flag_again(session, project, ids, time)
    if other and not pass_over:
        raise ConflictError(
            f"people have rejected what is suggested for document {min(other)}, or do so no more: "
            "look again"
        )
    return [one for one in ids if one not in other]


def _decide(
    session: Session,
    project: Project,
    decision: Decision,
    ids: Sequence[int],
    by: str,
    time: datetime,
) -> tuple[int, tuple[int, int]]:
    """Decide about these; how many, and the first and the last of the changes."""
    total = STAGES[decision](session, project, ids, by, time)
    changed = autolabel_queue.changes_of(session, ids, by, time)
    assert changed is not None
    record(
        session,
        by,
        f"autolabel.{decision}",
        project_id=project.id,
        subject=f"{len(ids)} documents from {ids[0]} on",
        after={"documents": list(ids[:20]), "changes": list(changed)},
    )
    return total, changed


def _ring(context: Context, project_id: int) -> None:
    for job in JOBS:
        context.queue.ring(DEFAULT_QUEUE, job, project_id, job_id=f"{job}-{project_id}")
