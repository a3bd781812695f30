"""Questions of the search for near copies: what is new to it, and what is joined already."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session, aliased

from backend.db.projects import walked_in
from backend.db.tables import Document

_documents = Document.__table__
_named = _documents.alias()
_JOIN = (  # a document and its exact copies
    update(_documents)  # type: ignore[arg-type]
    .where(
        _documents.c.project_id == bindparam("of_project"),
        _documents.c.group_key
        == select(_named.c.group_key).where(_named.c.id == bindparam("document")).scalar_subquery(),
    )
    .values(near_id=bindparam("near"))
)


@dataclass(frozen=True, slots=True)
class FreshDocument:
    """A document that was not looked at, and the oldest of its exact group: itself, or a copy."""

    id: int
    text: str
    oldest_id: int


def fresh_documents(
    session: Session, project_id: int, after: int, limit: int
) -> list[FreshDocument]:
    """The next documents by number."""
    member = aliased(Document)
    oldest = (
        select(func.min(member.id))
        .where(member.project_id == project_id, member.group_key == Document.group_key)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Document.id, Document.text, oldest)
        .where(walked_in(Document.project_id, project_id), Document.id > after)
        .order_by(Document.id)
        .limit(limit)
    )
    return [FreshDocument(*row) for row in rows]


def has_fresh(session: Session, project_id: int, after: int) -> bool:
    """Whether there is a document of a higher number."""
    return (
        session.scalar(
            select(Document.id)
            .where(Document.project_id == project_id, Document.id > after)
            .limit(1)
        )
        is not None
    )


def count_documents(session: Session, project_id: int, *, up_to: int | None = None) -> int:
    """How many documents there are, up to a number."""
    statement = select(func.count()).select_from(Document).where(Document.project_id == project_id)
    if up_to is not None:
        statement = statement.where(Document.id <= up_to)
    return session.execute(statement).scalar_one()


def near_documents(session: Session, project_id: int) -> dict[int, int]:
    """The near group of every document that is in one."""
    rows = session.execute(
        select(Document.id, Document.near_id).where(
            Document.project_id == project_id, Document.near_id.is_not(None)
        )
    )
    return {document: near for document, near in rows if near is not None}


def join_near(session: Session, project_id: int, near: Mapping[int, int]) -> None:
    """Put documents, with their exact copies, in near groups."""
    rows = [
        {"of_project": project_id, "document": document, "near": group}
        for document, group in near.items()
    ]
    if rows:
        session.connection().execute(_JOIN, rows)


def part_near(session: Session, project_id: int) -> None:
    """Dissolve all near groups."""
    session.execute(
        update(Document)
        .where(Document.project_id == project_id, Document.near_id.is_not(None))
        .values(near_id=None)
    )
