"""Questions about what versions' scores of documents are kept, and by which to choose."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.pool import pool
from backend.db.tables import Document, Gold, TaskState
from backend.db.tables_of_selection import DocumentScore


class ScoredDocument(NamedTuple):
    """A document and what a version's scores of it are; `expected` only where it was asked for."""

    id: int
    near_id: int | None
    length: int  # code points
    log_probability: float
    characters: int
    margin: float
    mean_entropy: float
    max_entropy: float
    disagreement: float | None
    entities: float
    edits: float
    arrays: str | None
    row: int
    expected: dict[str, Any] | None


def scored_pool(
    session: Session, project_id: int, version_id: int, *, below: str | None, expected: bool
) -> list[ScoredDocument]:
    """The documents of the pool that a version scored, without the random arm's (see `pool`)."""
    statement = pool(project_id, border=below, at_random=False)
    return _read(session, statement, version_id, expected)


def scored_documents(
    session: Session, ids: Sequence[int], version_id: int, *, expected: bool
) -> list[ScoredDocument]:
    """Those of these documents that a version scored."""
    statement = select(Document).where(is_one_of(session, Document.id, ids))
    return _read(session, statement, version_id, expected)


def scored_count(session: Session, project_id: int, version_id: int, *, dropout: bool) -> int:
    """How many documents of the pool a version scored, with readings by dropout if asked."""
    statement = pool(project_id).where(is_scored(version_id, dropout=dropout))
    inner = statement.with_only_columns(Document.id).subquery()
    return session.execute(select(func.count()).select_from(inner)).scalar_one()


def pool_without_scores(
    session: Session, project_id: int, version_id: int, limit: int, *, dropout: bool
) -> list[Document]:
    """Up to `limit` documents of the pool that a version has not scored, in arbitrary order.

    The order, by the hash of their text, is the same each time.
    """
    statement = pool(project_id).where(~is_scored(version_id, dropout=dropout))
    return list(session.scalars(statement.order_by(Document.group_key.desc()).limit(limit)))


def open_without_scores(
    session: Session, project_id: int, version_id: int, *, dropout: bool
) -> list[Document]:
    """Open documents that a version has not scored, in order of their number."""
    statement = select(Document).where(
        Document.project_id == project_id,
        Document.task_state == TaskState.OPEN,
        ~is_scored(version_id, dropout=dropout),
    )
    return list(session.scalars(statement.order_by(Document.id)))


def newest_known(session: Session, project_id: int, limit: int) -> list[int]:
    """The numbers of the documents whose gold changed last."""
    statement = select(Gold.document_id).where(Gold.project_id == project_id)
    return list(session.scalars(statement.order_by(Gold.revision.desc()).limit(limit)))


def known_without_scores(
    session: Session, project_id: int, version_id: int, limit: int
) -> list[Document]:
    """Those that a version has not scored of the documents whose gold changed last."""
    newest = newest_known(session, project_id, limit)
    statement = select(Document).where(
        is_one_of(session, Document.id, newest), ~is_scored(version_id, dropout=False)
    )
    return list(session.scalars(statement.order_by(Document.id)))


def rows_of_arrays(
    session: Session, ids: Sequence[int], version_id: int
) -> dict[int, tuple[str, int]]:
    """Where the vectors of documents are that a version has vectors of: arrays and row."""
    rows = session.execute(
        select(DocumentScore.document_id, DocumentScore.arrays, DocumentScore.row).where(
            is_one_of(session, DocumentScore.document_id, ids),
            DocumentScore.version_id == version_id,
            DocumentScore.arrays.is_not(None),
        )
    )
    return {number: (arrays, row) for number, arrays, row in rows if arrays is not None}


def put_scores(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep scores, in place of what is kept of the same documents and versions."""
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(DocumentScore)
    keys = ("document_id", "version_id")
    changed = {name: insert.excluded[name] for name in rows[0] if name not in keys}
    session.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def drop_scores(session: Session, version_id: int) -> None:
    """Forget what a version scored: nothing is ranked by it any more."""
    session.execute(delete(DocumentScore).where(DocumentScore.version_id == version_id))


def is_scored(version_id: int, *, dropout: bool) -> ColumnElement[bool]:
    """The condition that a version scored a document, with readings by dropout if asked."""
    scored = exists().where(
        DocumentScore.document_id == Document.id, DocumentScore.version_id == version_id
    )
    return scored.where(DocumentScore.disagreement.is_not(None)) if dropout else scored


def _read(
    session: Session, documents: Select[Document], version_id: int, expected: bool
) -> list[ScoredDocument]:
    columns = [getattr(DocumentScore, name) for name in ScoredDocument._fields[3:-1]]
    if expected:
        columns.append(DocumentScore.expected)
    its = and_(DocumentScore.document_id == Document.id, DocumentScore.version_id == version_id)
    statement = (
        documents.join(DocumentScore, its)
        .with_only_columns(Document.id, Document.near_id, func.length(Document.text), *columns)
        .order_by(Document.id)
    )
    last = () if expected else (None,)
    return [ScoredDocument(*row, *last) for row in session.execute(statement)]
