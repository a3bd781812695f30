"""Questions about curators' decisions."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.tables import Document, Gold
from backend.db.tables_of_labels import Adjudication


def standing(session: Session, project_id: int, group_key: str) -> Adjudication | None:
    """The decision about an exact group that counts: the newest that was not withdrawn."""
    return session.scalars(
        select(Adjudication)
        .where(
            Adjudication.project_id == project_id,
            Adjudication.group_key == group_key,
            Adjudication.withdrawn_at.is_(None),
        )
        .order_by(Adjudication.id.desc())
        .limit(1)
    ).one_or_none()


def decided_documents(session: Session, adjudication: Adjudication) -> Sequence[Document]:
    """The documents whose gold is this decision."""
    return session.scalars(
        select(Document)
        .join(Gold, Gold.document_id == Document.id)
        .where(
            Document.project_id == adjudication.project_id,
            Document.group_key == adjudication.group_key,
            Gold.adjudication_id == adjudication.id,
        )
        .order_by(Document.id)
    ).all()


def newest_decisions(
    session: Session, project_id: int, *, before: int | None, limit: int
) -> Sequence[tuple[Adjudication, str]]:
    """Decisions that were not withdrawn, with the document each is about, the newest first."""
    statement = (
        select(Adjudication, Document.external_id)
        .join(Document, Document.id == Adjudication.document_id)
        .where(Adjudication.project_id == project_id, Adjudication.withdrawn_at.is_(None))
        .order_by(Adjudication.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(Adjudication.id < before)
    return [(adjudication, name) for adjudication, name in session.execute(statement)]


def group_documents(session: Session, project_id: int, group_key: str) -> Sequence[Document]:
    """All documents of an exact group, oldest first."""
    return session.scalars(
        select(Document)
        .where(Document.project_id == project_id, Document.group_key == group_key)
        .order_by(Document.id)
    ).all()
