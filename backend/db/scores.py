"""Questions about what versions' scores of documents are kept, and by which to choose."""

from collections.abc import Collection, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.pool import pool
from backend.db.tables import Document, Gold, Part, TaskState
from backend.db.tables_of_selection import DocumentScore

Columns = dict[str, Sequence[Any]]
"""What is kept of documents, by name: one sequence each, all in the order of the ids."""


def scored_pool(
    session: Session, project_id: int, version_id: int, names: Collection[str], *, below: str | None
) -> Columns:
    """`id`, `near_id` and what is named of the documents of the pool that a version scored.

    Without the random arm's (see `pool`). Names are columns of DocumentScore, and `length` in code
    points; nothing else is read, for there may be very many.
    """
    return _read(session, pool(project_id, border=below, at_random=False), version_id, names)


def scored_documents(
    session: Session, ids: Collection[int], version_id: int, names: Collection[str]
) -> Columns:
    """The same of those of these documents that a version scored."""
    statement = select(Document).where(is_one_of(session, Document.id, ids))
    return _read(session, statement, version_id, names)


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
    """The numbers of the documents whose gold changed last, of the gold that taggers learn from."""
    teaches = func.coalesce(Document.part, Part.TRAIN) == Part.TRAIN
    statement = (
        select(Gold.document_id)
        .join(Document, Document.id == Gold.document_id)
        .where(Gold.project_id == project_id, teaches)
    )
    return list(session.scalars(statement.order_by(Gold.revision.desc()).limit(limit)))


def known_without_scores(
    session: Session, project_id: int, version_id: int, limit: int
) -> list[Document]:
    """Those of `newest_known` that a version has not scored."""
    newest = newest_known(session, project_id, limit)
    statement = select(Document).where(
        is_one_of(session, Document.id, newest), ~is_scored(version_id, dropout=False)
    )
    return list(session.scalars(statement.order_by(Document.id)))


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
    session: Session, documents: Select[Document], version_id: int, names: Collection[str]
) -> Columns:
    length = func.length(Document.text)
    columns = [length if name == "length" else getattr(DocumentScore, name) for name in names]
    its = and_(DocumentScore.document_id == Document.id, DocumentScore.version_id == version_id)
    statement = documents.join(DocumentScore, its)
    rows = session.execute(statement.with_only_columns(Document.id, Document.near_id, *columns))
    found = sorted(rows, key=itemgetter(0))
    every = zip(*found, strict=True) if found else ((),) * (2 + len(columns))
    return dict(zip(("id", "near_id", *names), every, strict=True))
