"""Questions about duplicates for people: which groups there are, and who is in one."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from backend.db.tables import Document, Gold
from backend.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Group:
    """A group of copies under the name and text of its canonical, or oldest, document."""

    kind: str  # exact, near
    id: int
    name: str
    text: str
    documents: int
    part: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """A document that shares a group with another."""

    id: int
    name: str
    text: str
    exact: bool  # a copy of the document asked for, not only nearly one
    canonical: bool
    part: str | None
    gold: str | None  # whose it is


def largest_exact(session: Session, project_id: int, limit: int) -> list[Group]:
    """Groups of exact copies, the largest first."""
    sizes = (
        select(Document.canonical_id.label("first"), (func.count() + 1).label("documents"))
        .where(Document.project_id == project_id, Document.canonical_id.is_not(None))
        .group_by(Document.canonical_id)
    )
    return _groups(session, "exact", sizes, limit)


def largest_near(session: Session, project_id: int, limit: int) -> list[Group]:
    """Groups of near copies with their exact copies, the largest first."""
    sizes = (
        select(Document.near_id.label("first"), func.count().label("documents"))
        .where(Document.project_id == project_id, Document.near_id.is_not(None))
        .group_by(Document.near_id)
    )
    return _groups(session, "near", sizes, limit)


def totals(session: Session, project_id: int) -> dict[str, int]:
    """How many documents, copies set aside, near copies and groups of them there are."""
    its = Document.project_id == project_id
    near = its & Document.near_id.is_not(None)
    wanted = {
        "documents": select(func.count()).select_from(Document).where(its),
        "exact_copies": select(func.count()).where(its, Document.canonical_id.is_not(None)),
        "exact_groups": select(func.count(Document.canonical_id.distinct())).where(
            its, Document.canonical_id.is_not(None)
        ),
        "near_documents": select(func.count()).select_from(Document).where(near),
        "near_groups": select(func.count(Document.near_id.distinct())).where(near),
    }
    return {name: session.scalar(statement) or 0 for name, statement in wanted.items()}


def document_named(session: Session, project_id: int, name: str) -> Document:
    """A document by the name it has in files; raises NotFoundError."""
    document = session.scalars(
        select(Document).where(Document.project_id == project_id, Document.external_id == name)
    ).one_or_none()
    if document is None:
        raise NotFoundError("document", name)
    return document


def members(
    session: Session, document: Document, limit: int | None = None, *, after: int = 0
) -> list[Member]:
    """The documents that share an exact or a near group with one, itself included, oldest first.

    Those younger than document `after` where it is given.
    """
    rows = session.execute(
        select(Document, Gold.source)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(in_groups_of(document), Document.id > after)
        .order_by(Document.id)
        .limit(limit)
    )
    return [
        Member(
            one.id,
            one.external_id,
            one.text,
            one.group_key == document.group_key,
            one.canonical_id is None,
            one.part,
            source,
        )
        for one, source in rows
    ]


def in_groups_of(document: Document) -> ColumnElement[bool]:
    """The condition that a document shares an exact or a near group with this one.

    Two lists of numbers, each found by its index: one condition of both would scan the project.
    """
    its = select(Document.id).where(Document.project_id == document.project_id)
    exact = its.where(Document.group_key == document.group_key)
    if document.near_id is None:
        return Document.id.in_(exact)
    return Document.id.in_(exact.union_all(its.where(Document.near_id == document.near_id)))


def _groups(session: Session, kind: str, sizes: Select[int | None, int], limit: int) -> list[Group]:
    counted = sizes.subquery()
    rows = session.execute(
        select(Document.id, Document.external_id, Document.text, counted.c.documents, Document.part)
        .join(counted, counted.c.first == Document.id)
        .order_by(counted.c.documents.desc(), Document.id)
        .limit(limit)
    )
    return [Group(kind, *row) for row in rows]
