"""Questions about documents that several people are asked about, or that are labelled blind."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.tables import AnnotationState, AnnotationStatus, Document, TaskState
from backend.db.tables_of_sharing import Sharing


def annotators_wanted(session: Session, document_id: int) -> int:
    """How many people must have spoken before a document has gold."""
    row = session.get(Sharing, document_id)
    return row.annotators if row is not None else 1


def drawn(session: Session, ids: Collection[int]) -> dict[int, Sharing]:
    """What chance has drawn of these documents."""
    found = session.scalars(select(Sharing).where(is_one_of(session, Sharing.document_id, ids)))
    return {row.document_id: row for row in found}


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


def waiting(session: Session, project_id: int, limit: int) -> list[int]:
    """Shared documents that somebody has annotated and that wait for others, by their number."""
    spoken = exists().where(
        AnnotationState.document_id == Sharing.document_id,
        AnnotationState.status != AnnotationStatus.DELETED,
    )
    statement = (
        select(Sharing.document_id)
        .join(Document, Document.id == Sharing.document_id)
        .where(
            Sharing.project_id == project_id,
            Sharing.annotators > 1,
            Document.task_state == TaskState.OPEN,
            spoken,
        )
        .order_by(Sharing.document_id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def _untold(project_id: int) -> Select[int, int | None, int]:
    """A task that was made again after it was deleted has another number than the one told of."""
    return (
        select(Sharing.document_id, Document.task_id, Sharing.annotators)
        .join(Document, Document.id == Sharing.document_id)
        .where(
            Sharing.project_id == project_id,
            Sharing.annotators > 1,
            Document.task_state == TaskState.OPEN,
            Document.task_id.is_not(None),
            or_(Sharing.told_task_id.is_(None), Sharing.told_task_id != Document.task_id),
        )
    )
