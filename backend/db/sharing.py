"""Questions about documents that several people are asked about, or that are labelled blind."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from backend.db.bulk import is_one_of
from backend.db.tables import AnnotationState, AnnotationStatus, Document, Gold, TaskState
from backend.db.tables_of_sharing import Sharing


def annotators_wanted(session: Session, document_id: int) -> int:
    """How many people must have spoken before a document has gold."""
    row = session.get(Sharing, document_id)
    return row.annotators if row is not None else 1


def drawn(session: Session, ids: Collection[int]) -> dict[int, Sharing]:
    """What chance has drawn of these documents."""
    found = session.scalars(select(Sharing).where(is_one_of(session, Sharing.document_id, ids)))
    return {row.document_id: row for row in found}


def undrawn(session: Session, project_id: int) -> list[Document]:
    """Open documents without a place in the queue for which chance has drawn nothing: their tasks
    were made in Label Studio."""
    statement = select(Document).where(
        Document.project_id == project_id,
        Document.task_state == TaskState.OPEN,
        Document.queue_number.is_(None),
        ~exists().where(Sharing.document_id == Document.id),
    )
    return list(session.scalars(statement.order_by(Document.id)))


def blind_slice(session: Session, ids: Collection[int]) -> set[int]:
    """Which of these documents chance has drawn to be labelled without pre-labels."""
    statement = select(Sharing.document_id).where(
        Sharing.blind.is_(True), is_one_of(session, Sharing.document_id, ids)
    )
    return set(session.scalars(statement))


class Untold(NamedTuple):
    """An open task for several people of which Label Studio does not know it yet."""

    document_id: int
    task_id: int
    annotators: int


def untold(session: Session, project_id: int, limit: int) -> list[Untold]:
    """Open tasks that several are to answer, and Label Studio was not told so."""
    rows = session.execute(_untold(project_id).order_by(Sharing.document_id).limit(limit))
    return [Untold(number, task, people) for number, task, people in rows if task is not None]


def is_untold(session: Session, project_id: int) -> bool:
    """Whether there is such a task."""
    return session.execute(_untold(project_id).limit(1)).first() is not None


def waiting(session: Session, project_id: int, limit: int, *, after: int = 0) -> list[int]:
    """Shared documents that somebody has annotated and that wait for others, by their number;
    those after number `after`.

    Those too whose task is gone from Label Studio: nobody will come for them.
    """
    open_, gone = (_is_asked_of_several(project_id, one) for one in _STATES)
    its = (Sharing.document_id > after, or_(open_, and_(gone, _HAS_NO_GOLD)), _WAITS)
    statement = select(Sharing.document_id).where(*its)
    return list(session.scalars(statement.order_by(Sharing.document_id).limit(limit)))


def waiting_count(session: Session, project_id: int) -> int:
    """How many open tasks wait for others: whoever has answered them is not served them again."""
    statement = select(func.count()).where(_is_asked_of_several(project_id, TaskState.OPEN), _WAITS)
    return session.execute(statement).scalar_one()


def is_asked_of_others() -> ColumnElement[bool]:
    """Whether a document of the query still waits for people who must not know what was said."""
    return and_(
        func.coalesce(Document.task_state, "") == TaskState.OPEN,
        exists().where(Sharing.document_id == Document.id, Sharing.annotators > 1),
    )


_STATES = TaskState.OPEN, TaskState.DELETED
_deletion = aliased(AnnotationState)
_person = func.coalesce(AnnotationState.account_id, -AnnotationState.annotation_id)
# how many people stand behind its annotations, as workflow/annotators/sharing.py counts them
_SPEAKERS = (
    select(func.count(_person.distinct()))
    .where(
        AnnotationState.document_id == Sharing.document_id,
        ~exists().where(
            _deletion.document_id == AnnotationState.document_id,
            _deletion.annotation_id == AnnotationState.annotation_id,
            _deletion.status == AnnotationStatus.DELETED,
        ),
    )
    .scalar_subquery()
)
_WAITS = _SPEAKERS.between(1, Sharing.annotators - 1)
_HAS_NO_GOLD = ~exists().where(Gold.document_id == Sharing.document_id)


def _is_asked_of_several(project_id: int, state: TaskState) -> ColumnElement[bool]:
    """By the tasks in this state: of shared documents there may be many more."""
    tasks = select(Document.id).where(
        Document.project_id == project_id, Document.task_state == state
    )
    return and_(Sharing.document_id.in_(tasks), Sharing.annotators > 1)


def _untold(project_id: int) -> Select[int, int | None, int]:
    """A task that was made again after it was deleted has another number than the one told of."""
    return (
        select(Sharing.document_id, Document.task_id, Sharing.annotators)
        .join(Document, Document.id == Sharing.document_id)
        .where(
            _is_asked_of_several(project_id, TaskState.OPEN),
            Document.task_id.is_not(None),
            or_(Sharing.told_task_id.is_(None), Sharing.told_task_id != Document.task_id),
        )
    )
