"""Questions about suggestions that people did not let stand."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, select, union
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.sharing import is_asked_of_others
from backend.db.tables import Account, AnnotationState, AnnotationStatus, Document
from backend.db.tables_of_evidence import Rejection


class Grouped(NamedTuple):
    """A document with the groups of its copies."""

    id: int
    text: str
    group_key: str
    near_id: int | None


class Rejected(NamedTuple):
    """A rejection with the text that it is about, and the person and version behind it."""

    rejection: Rejection
    document: Grouped
    state: AnnotationState
    who: str | None


class Corrected(NamedTuple):
    """In how many documents people have made the same of the same string."""

    form: str
    label: str
    kind: str
    became_label: str | None
    documents: int


def has_rejections(session: Session, project_id: int) -> bool:
    """Whether anybody has rejected anything."""
    return bool(session.scalar(select(exists().where(Rejection.project_id == project_id))))


def without_rejection(
    session: Session, project_id: int, after: int, limit: int
) -> Sequence[AnnotationState]:
    """Annotations that began from a version's prediction and rejected nothing, by their number."""
    statement = select(AnnotationState).where(
        AnnotationState.project_id == project_id,
        AnnotationState.id > after,
        AnnotationState.status == AnnotationStatus.SUBMITTED,
        AnnotationState.version_name.is_not(None),
        ~exists().where(Rejection.annotation_state_id == AnnotationState.id),
    )
    return session.scalars(statement.order_by(AnnotationState.id).limit(limit)).all()


def grouped(session: Session, document_ids: Collection[int]) -> dict[int, Grouped]:
    """Documents with the groups of their copies."""
    rows = session.execute(
        select(Document.id, Document.text, Document.group_key, Document.near_id).where(
            is_one_of(session, Document.id, document_ids)
        )
    )
    return {row[0]: Grouped(*row) for row in rows}


def rejected_in(
    session: Session, project_id: int, documents: Collection[Grouped], forms: Collection[str]
) -> list[Rejected]:
    """Rejections of these forms in exact and near copies of documents, the newest first.

    What others are still asked about is left out: they are to say it themselves.
    """
    keys = {document.group_key for document in documents}
    near = {document.near_id for document in documents if document.near_id is not None}
    its = (
        select(Rejection.id)
        .join(Document, Document.id == Rejection.document_id)
        .where(Document.project_id == project_id, is_one_of(session, Rejection.form, forms))
        .where(~is_asked_of_others())
    )
    # one look for each index: an OR of both reads the whole project
    by_key = its.where(is_one_of(session, Document.group_key, keys))
    by_near = its.where(Document.near_id.is_not(None), is_one_of(session, Document.near_id, near))
    return _read(session, Rejection.id.in_(union(by_key, by_near)))


def corrected(session: Session, project_id: int, forms: Collection[str]) -> list[Corrected]:
    """What people have made of suggestions of these forms, the most frequent first; nothing of what
    others are still asked about."""
    named = (Rejection.form, Rejection.label, Rejection.kind, Rejection.became_label)
    count = func.count(Rejection.document_id.distinct())
    rows = session.execute(
        select(*named, count)
        .join(Document, Document.id == Rejection.document_id)
        .where(Rejection.project_id == project_id, is_one_of(session, Rejection.form, forms))
        .where(~is_asked_of_others())
        .group_by(*named)
        .order_by(count.desc(), *named)
    )
    return [Corrected(*row) for row in rows]


def _read(session: Session, which: ColumnElement[bool]) -> list[Rejected]:
    rows = session.execute(
        select(
            Rejection,
            AnnotationState,
            Document.id,
            Document.text,
            Document.group_key,
            Document.near_id,
            Account.email,
        )
        .join(AnnotationState, AnnotationState.id == Rejection.annotation_state_id)
        .join(Document, Document.id == Rejection.document_id)
        .outerjoin(Account, Account.id == AnnotationState.account_id)
        .where(which)
        .order_by(Rejection.id.desc())
    )
    return [
        Rejected(rejection, Grouped(number, text, key, near), state, who)
        for rejection, state, number, text, key, near, who in rows
    ]
