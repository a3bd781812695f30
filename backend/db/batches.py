"""Batches: which documents were chosen together, and by what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from backend.db.bulk import insert_rows, is_one_of
from backend.db.tables import Arm, Document, Project, TaskState, Version
from backend.db.tables_of_selection import Batch, BatchDocument


@dataclass(frozen=True, slots=True)
class ListedBatch:
    """A batch, the name of the version that ranked it, and how many of it still wait."""

    batch: Batch
    version: str | None
    open: int


def add_batch(
    session: Session,
    project: Project,
    version_id: int | None,
    mixture: Mapping[str, float],
    candidates: int,
    documents: Sequence[Document],
) -> Batch:
    """Note documents that were chosen together, in their order, `candidates` being ranked."""
    batch = Batch(
        project_id=project.id,
        version_id=version_id,
        mixture=dict(mixture) if version_id is not None else {},
        candidates=candidates,
        documents=len(documents),
        at_random=sum(one.arm == Arm.RANDOM for one in documents),
    )
    session.add(batch)
    session.flush()
    ids = [one.id for one in documents]  # one may have gone back to the pool, and come again
    session.execute(delete(BatchDocument).where(is_one_of(session, BatchDocument.document_id, ids)))
    rows = [(one.id, batch.id, place) for place, one in enumerate(documents, start=1)]
    insert_rows(session, BatchDocument, ("document_id", "batch_id", "place"), rows)
    return batch


def batches_of(session: Session, document_ids: Sequence[int]) -> dict[int, int]:
    """The batch that each document came with, where it came with one."""
    rows = session.execute(
        select(BatchDocument.document_id, BatchDocument.batch_id).where(
            is_one_of(session, BatchDocument.document_id, document_ids)
        )
    )
    return {document: batch for document, batch in rows}


def newest_batches(
    session: Session, project_id: int, limit: int, *, before: int | None = None
) -> list[ListedBatch]:
    """A project's batches, the newest first; those with a lower number than `before`."""
    waiting = (
        select(func.count())
        .select_from(BatchDocument)
        .join(Document, Document.id == BatchDocument.document_id)
        .where(BatchDocument.batch_id == Batch.id, Document.task_state == TaskState.OPEN)
        .scalar_subquery()
    )
    statement = (
        select(Batch, Version.name, waiting)
        .outerjoin(Version, Version.id == Batch.version_id)
        .where(Batch.project_id == project_id)
        .order_by(Batch.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Batch.id < before)
    return [ListedBatch(*row) for row in session.execute(statement)]


def batches_with_tabs(session: Session, project_id: int) -> list[Batch]:
    """The batches that have a tab in Label Studio, the newest first."""
    statement = select(Batch).where(Batch.project_id == project_id, Batch.tab_id.is_not(None))
    return list(session.scalars(statement.order_by(Batch.id.desc())))


def with_open_tasks(session: Session, batch_ids: Sequence[int]) -> set[int]:
    """Those of the batches that have a task which is open."""
    statement = (
        select(BatchDocument.batch_id)
        .join(Document, Document.id == BatchDocument.document_id)
        .where(
            is_one_of(session, BatchDocument.batch_id, batch_ids),
            Document.task_state == TaskState.OPEN,
        )
    )
    return set(session.scalars(statement.distinct()))


def forget_tabs(session: Session, project_id: int) -> None:
    """Note that no batch of a project has a tab any more."""
    its = update(Batch).where(Batch.project_id == project_id, Batch.tab_id.is_not(None))
    session.execute(its.values(tab_id=None))
