"""The autolabel queue as a curator looks through it: by state, confidence, label and reason.

Neither labels nor most reasons have an index. Those filters look at a limited number of items at a
time, in the order of the list, and say where they stopped: a rare label costs another look.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    String,
    and_,
    case,
    exists,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from backend.db.bulk import is_one_of
from backend.db.tables import Document, Part, TaskState, Version
from backend.db.tables_of_autolabel import (
    Audit,
    Autolabel,
    AutolabelChange,
    AutolabelState,
    Promise,
)

FIRST_LOOK = 300  # items that are gone through at first: most often they fill the page
LOOKED_AT = 10_000  # items a query goes through when there is no index for what is asked
BY_PEOPLE = "people"  # who changed an item whose document was labelled in Label Studio


OPEN = (AutolabelState.PENDING, AutolabelState.RECALLED, AutolabelState.REJECTED)


class Reason(StrEnum):
    """Why an item is where it is."""

    UNSURE = "unsure"  # pending, less confident than the promise asks
    CHANCE = "chance"  # may be drawn to judge models: only chance may choose it
    BLIND = "blind"  # people labelled it without seeing what the version says
    PEOPLE = "people"  # people labelled it in Label Studio
    CURATOR = "curator"  # somebody decided about it in the queue


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items; `audit` is given in place of a state. `threshold` is the promise's.

    Without a reason, what only chance may choose is left out of the lists that one decides about.
    """

    state: AutolabelState | None = AutolabelState.PENDING
    audit: Audit | None = None
    label: str = ""
    least: float = 0.0
    most: float = 1.0
    reason: Reason | None = None
    surest_first: bool = True
    threshold: float | None = None
    border: str = ""  # hashes that sort before it are the random arm's

    @property
    def is_searched(self) -> bool:
        """Whether items must be looked at one by one."""
        return bool(self.label) or self.reason is not None or self._is_open

    @property
    def leaves_chance_out(self) -> bool:
        """Whether documents that only chance may choose are left out."""
        return self._is_open and self.reason != Reason.CHANCE

    @property
    def _is_open(self) -> bool:
        return self.audit is None and self.state in OPEN


class Place(NamedTuple):
    """Where a list goes on: after the item of this confidence and document."""

    confidence: float
    document_id: int

    @classmethod
    def read(cls, written: str) -> Self | None:
        """A place as an address has it; None where it has none."""
        confidence, _, number = written.partition("_")
        try:
            return cls(float(confidence), int(number))
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.confidence!r}_{self.document_id}"


class Row(NamedTuple):
    """An item with its document."""

    document_id: int
    external_id: str
    text: str
    group_key: str
    near_id: int | None
    queue_number: int | None
    task_state: str | None
    version_id: int
    promise_id: int | None
    state: str
    entities: list[dict[str, Any]]
    confidence: float
    audit: str | None
    audit_entities: list[dict[str, Any]] | None
    changed_by: str
    changed_at: datetime

    @property
    def place(self) -> Place:
        """Where a list goes on after it."""
        return Place(self.confidence, self.document_id)

    @property
    def is_with_people(self) -> bool:
        """Whether people have it in Label Studio, had it, or are about to."""
        asked = self.task_state in (TaskState.OPEN, TaskState.DONE)
        return asked or self.queue_number is not None


@dataclass(frozen=True, slots=True)
class Found:
    """Some items in the list's order; `next` is None at the end of the list."""

    rows: Sequence[Row] = ()
    next: Place | None = None


def find(
    session: Session, project_id: int, wanted: Wanted, *, after: Place | None = None, limit: int
) -> Found:
    """Up to `limit` items after a place."""
    looked_at = _looked_at(project_id, wanted, after)
    for most in (max(FIRST_LOOK, 2 * limit), LOOKED_AT) if wanted.is_searched else (limit + 1,):
        few = looked_at.limit(min(most, LOOKED_AT))
        rows = [Row(*row) for row in session.execute(_rows(session, few, wanted, limit))]
        if len(rows) > limit:
            return Found(rows[:limit], rows[limit - 1].place)
    if not wanted.is_searched:
        return Found(rows)
    last = session.execute(looked_at.offset(LOOKED_AT - 1).limit(1)).one_or_none()
    return Found(rows, Place(last.confidence, last.document_id) if last is not None else None)


def last_reasons(session: Session, ids: Collection[int]) -> dict[int, str]:
    """What was said of the last change of items, where something was."""
    rows = session.execute(
        select(AutolabelChange.document_id, AutolabelChange.reason)
        .where(is_one_of(session, AutolabelChange.document_id, ids))
        .order_by(AutolabelChange.id)
    )
    last = {number: reason for number, reason in rows}
    return {number: reason for number, reason in last.items() if reason}


def changes_of(
    session: Session, ids: Collection[int], by: str, time: datetime
) -> tuple[int, int] | None:
    """The first and the last of the changes of items that somebody made at a time."""
    first, last = session.execute(
        select(func.min(AutolabelChange.id), func.max(AutolabelChange.id)).where(
            is_one_of(session, AutolabelChange.document_id, ids),
            AutolabelChange.changed_by == by,
            AutolabelChange.changed_at == time,
        )
    ).one()
    return (first, last) if first is not None else None


def newest_promises(
    session: Session, project_id: int, limit: int, *, before: int = 0
) -> Sequence[Promise]:
    """The promises of a project, newest first, older than the one of id `before` where given."""
    statement = select(Promise).where(Promise.project_id == project_id)
    if before:
        statement = statement.where(Promise.id < before)
    return session.scalars(statement.order_by(Promise.id.desc()).limit(limit)).all()


def version_names(session: Session, project_id: int) -> dict[int, str]:
    """The name of every version of a project."""
    rows = session.execute(select(Version.id, Version.name).where(Version.project_id == project_id))
    return {number: name for number, name in rows}


def _looked_at(project_id: int, wanted: Wanted, after: Place | None) -> Select[int, float]:
    """What an index finds, in the list's order."""
    in_list = (
        Autolabel.audit == wanted.audit
        if wanted.audit is not None
        else Autolabel.state == wanted.state
    )
    statement = select(Autolabel.document_id, Autolabel.confidence).where(
        Autolabel.project_id == project_id,
        in_list,
        Autolabel.confidence.between(wanted.least, wanted.most),
    )
    if after is not None:
        statement = statement.where(*_beyond(after, surest_first=wanted.surest_first))
    return statement.order_by(*_order(Autolabel.confidence, Autolabel.document_id, wanted))


def _beyond(after: Place, *, surest_first: bool) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    confidence, number = Autolabel.confidence, Autolabel.document_id
    if surest_first:
        not_before = confidence <= after.confidence
        return not_before, or_(confidence < after.confidence, number < after.document_id)
    not_before = confidence >= after.confidence
    return not_before, or_(confidence > after.confidence, number > after.document_id)


def _order(
    confidence: SQLColumnExpression[float], number: SQLColumnExpression[int], wanted: Wanted
) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    if wanted.surest_first:
        return confidence.desc(), number.desc()
    return confidence.asc(), number.asc()


def _rows(
    session: Session, looked_at: Select[int, float], wanted: Wanted, limit: int
) -> Select[*tuple[Any, ...]]:
    """The items among these that are wanted, with their documents."""
    some = looked_at.subquery()
    statement = (
        select(
            Document.id,
            Document.external_id,
            Document.text,
            Document.group_key,
            Document.near_id,
            Document.queue_number,
            Document.task_state,
            Autolabel.version_id,
            Autolabel.promise_id,
            Autolabel.state,
            Autolabel.entities,
            Autolabel.confidence,
            Autolabel.audit,
            Autolabel.audit_entities,
            Autolabel.changed_by,
            Autolabel.changed_at,
        )
        .join_from(some, Autolabel, Autolabel.document_id == some.c.document_id)
        .join(Document, Document.id == some.c.document_id)
        .order_by(*_order(some.c.confidence, some.c.document_id, wanted))
        .limit(limit + 1)
    )
    if wanted.label:
        statement = statement.where(_has_label(session, wanted.label))
    if wanted.reason is not None:
        statement = statement.where(_has_reason(wanted))
    if wanted.leaves_chance_out:
        statement = statement.where(not_(_may_judge(wanted.border)))
    return statement


def _has_label(session: Session, label: str) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "sqlite":
        entity = func.json_each(Autolabel.entities).table_valued("value")
        its: ColumnElement[Any] = func.json_extract(entity.c.value, "$.label")
    else:
        entity = func.json_array_elements(Autolabel.entities).table_valued("value")
        its = entity.c.value.op("->>", return_type=String())("label")
    return exists(select(1).select_from(entity).where(its == label))


def _has_reason(wanted: Wanted) -> ColumnElement[bool]:
    match wanted.reason:
        case Reason.UNSURE if wanted.threshold is not None:
            return Autolabel.confidence < wanted.threshold
        case Reason.CHANCE:
            return _may_judge(wanted.border)
        case Reason.BLIND:
            return Autolabel.audit.in_((Audit.RIGHT, Audit.WRONG))
        case Reason.PEOPLE:
            return and_(Autolabel.changed_by == BY_PEOPLE, Autolabel.audit.is_(None))
        case Reason.CURATOR:
            by = Autolabel.changed_by
            return and_(by != BY_PEOPLE, by.not_like("promise %"), by.not_like("run %"))
    return true()


def _may_judge(border: str) -> ColumnElement[bool]:
    """Whether a document or a near copy of it judges models, or may be drawn to."""
    other = aliased(Document)
    near = exists().where(
        other.project_id == Document.project_id,
        other.near_id == Document.near_id,
        _judges(other, border),
    )
    return or_(_judges(Document, border), and_(Document.near_id.is_not(None), near))


def _judges(document: type[Document], border: str) -> ColumnElement[bool]:
    return case(
        (document.part.is_(None), document.group_key < border), else_=document.part != Part.TRAIN
    )
