"""Undo what was decided about items of the autolabel queue: each goes back to where it was.

An action is named by the changes it made, the first and the last of them. What has changed since,
or is in Label Studio by now, stays as it is and is counted.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend.db import autolabels, pool
from backend.db.accounts import account_by_email
from backend.db.bulk import is_one_of
from backend.db.gold import NewGold, put_gold, remove_gold
from backend.db.tables import Document, Gold, GoldSource, Part, Project, TaskState, Version
from backend.db.tables_of_autolabel import (
    Autolabel,
    AutolabelChange,
    AutolabelState,
    Promise,
    PromiseState,
)
from backend.errors import NotFoundError
from backend.workflow.autolabels.items import as_gold, move

UNDONE = "undone"
UNDOABLE = (AutolabelState.BY_PERSON, AutolabelState.REJECTED, AutolabelState.SENT)
GOLD = (AutolabelState.BY_RULE, AutolabelState.BY_PERSON)


@dataclass(frozen=True, slots=True)
class Undone:
    """How many items went back, and how many stay because something has happened since."""

    items: int
    kept: int


def pieces(
    session: Session, project_id: int, first: int, last: int, size: int
) -> list[tuple[int, int]]:
    """An action as some smaller ones, of `size` changes at most, each of which `undo` takes.

    Raises NotFoundError when there is no such action in the project's queue.
    """
    numbers = session.scalars(
        _action(session, project_id, first, last).with_only_columns(AutolabelChange.id)
    ).all()
    return [
        (numbers[at], numbers[min(at + size, len(numbers)) - 1])
        for at in range(0, len(numbers), size)
    ]


def undo(
    session: Session, project: Project, first: int, last: int, by: str, time: datetime
) -> Undone:
    """Take back the action whose changes are `first` to `last`; the project's row must be locked.

    Raises NotFoundError when there is no such action in the project's queue.
    """
    changes = session.scalars(_action(session, project.id, first, last)).all()
    ids = [change.document_id for change in changes]
    items, documents = autolabels.items(session, ids), pool.documents(session, ids)
    found = session.scalars(select(Gold).where(is_one_of(session, Gold.document_id, ids)))
    gold = {one.document_id: one for one in found}
    before = _before(session, ids, first)
    back = [
        items[change.document_id]
        for change in changes
        if _is_as_left(items[change.document_id], change)
        and _can_go_back(change.state, documents[change.document_id], gold.get(change.document_id))
    ]
    stopped = _stopped(session, project.id)
    _put_gold_back(session, project, back, before, stopped, time)
    for item in back:
        if item.state == AutolabelState.SENT:
            documents[item.document_id].queue_number = None
        state = _state_before(item, before, stopped)
        move(session, item, state, by, time, UNDONE)
    session.flush()
    return Undone(len(back), len(changes) - len(back))


def _action(session: Session, project_id: int, first: int, last: int) -> Select[AutolabelChange]:
    """The changes of one action, made by one person at one time; raises NotFoundError."""
    begin = session.get(AutolabelChange, first)
    if begin is None or begin.state not in UNDOABLE or last < first:
        raise NotFoundError("action of the autolabel queue", first)
    item = session.get(Autolabel, begin.document_id)
    if item is None or item.project_id != project_id:
        raise NotFoundError("action of the autolabel queue", first)
    return (
        select(AutolabelChange)
        .join(Autolabel, Autolabel.document_id == AutolabelChange.document_id)
        .where(
            Autolabel.project_id == project_id,
            AutolabelChange.id.between(first, last),
            AutolabelChange.state == begin.state,
            AutolabelChange.changed_by == begin.changed_by,
            AutolabelChange.changed_at == begin.changed_at,
        )
        .order_by(AutolabelChange.id)
    )


def _before(session: Session, ids: Collection[int], first: int) -> dict[int, AutolabelChange]:
    """The change of each item that came before the action."""
    changes = session.scalars(
        select(AutolabelChange)
        .where(is_one_of(session, AutolabelChange.document_id, ids), AutolabelChange.id < first)
        .order_by(AutolabelChange.id)
    )
    return {change.document_id: change for change in changes}


def _is_as_left(item: Autolabel, change: AutolabelChange) -> bool:
    return item.state == change.state and item.changed_at == change.changed_at


def _can_go_back(state: str, document: Document, gold: Gold | None) -> bool:
    """Whether nothing has come of a change that taking it back would overthrow."""
    if state == AutolabelState.BY_PERSON:  # people may have given their own gold since
        return gold is not None and bool(gold.version_name) and gold.annotation_state_id is None
    if state == AutolabelState.SENT:  # it may be in Label Studio by now
        return document.task_state is None and document.queue_number is not None
    with_people = document.queue_number is not None or document.task_state == TaskState.OPEN
    trains = document.canonical_id is None and document.part in (None, Part.TRAIN)
    return gold is None and not with_people and trains


def _stopped(session: Session, project_id: int) -> set[int]:
    """Promises that the audit has contradicted: what they accepted does not come back."""
    statement = select(Promise.id).where(
        Promise.project_id == project_id, Promise.state == PromiseState.STOPPED
    )
    return set(session.scalars(statement))


def _state_before(
    item: Autolabel, before: Mapping[int, AutolabelChange], stopped: Collection[int]
) -> AutolabelState:
    change = before.get(item.document_id)
    state = AutolabelState(change.state) if change is not None else AutolabelState.PENDING
    if state == AutolabelState.BY_RULE and item.promise_id in stopped:
        return AutolabelState.RECALLED
    return state


def _put_gold_back(
    session: Session,
    project: Project,
    back: Sequence[Autolabel],
    before: Mapping[int, AutolabelChange],
    stopped: Collection[int],
    time: datetime,
) -> None:
    """Take gold away that was accepted, and give that back which was rejected."""
    gone = [item.document_id for item in back if item.state == AutolabelState.BY_PERSON]
    again = [
        item
        for item in back
        if item.state == AutolabelState.REJECTED and _state_before(item, before, stopped) in GOLD
    ]
    if not gone and not again:
        return
    project.gold_revision += 1
    if gone:
        remove_gold(session, project.id, gone)
    rows = []
    for item in again:
        by_rule = before[item.document_id].state == AutolabelState.BY_RULE
        version = session.get_one(Version, item.version_id)
        account = account_by_email(session, before[item.document_id].changed_by)
        rows.append(
            NewGold(
                document_id=item.document_id,
                entities=as_gold(item.entities, project, version),
                source=GoldSource.RULE if by_rule else GoldSource.PERSON,
                revision=project.gold_revision,
                updated_at=time,
                account_id=None if by_rule or account is None else account.id,
                promise_id=item.promise_id if by_rule else None,
                version_name=version.name,
            )
        )
    put_gold(session, project, rows)
