"""Questions about where gold and champion differ, and about what people decided of it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.tables import Document, Gold, GoldSource
from backend.db.tables_of_errors import Comparison, Difference, DifferingDocument, ErrorDecision

_NEWEST = 10_000  # changes of gold between two comparisons that counts follow


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which differing documents are looked at; empty or 0 is all."""

    kind: str = ""
    label: str = ""
    least: float = 0.0  # of the champion's confidence


class Place(NamedTuple):
    """Where in the list one is: the surest first, of equally sure ones the newest."""

    confidence: float
    document_id: int


class GoldToCompare(NamedTuple):
    document: Document
    gold: Gold


def gold_after(
    session: Session, project_id: int, revision: int, document_id: int, limit: int
) -> list[GoldToCompare]:
    """Gold of documents that are no copies, in the order of its changes, after one of it.

    What a rule made of a version's own words is left out: there is nothing to compare.
    """
    later = or_(
        Gold.revision > revision,
        and_(Gold.revision == revision, Gold.document_id > document_id),
    )
    statement = (
        select(Document, Gold)
        .join(Gold, Gold.document_id == Document.id)
        .where(
            Gold.project_id == project_id,
            later,
            Gold.source.not_in((GoldSource.COPIED, GoldSource.RULE)),
            Document.canonical_id.is_(None),
        )
        .order_by(Gold.revision, Gold.document_id)
        .limit(limit)
    )
    return [GoldToCompare(document, gold) for document, gold in session.execute(statement)]


def gold_to_compare(session: Session, document_ids: Collection[int]) -> list[GoldToCompare]:
    """These documents with the gold that they have now; those without are left out."""
    statement = (
        select(Document, Gold)
        .join(Gold, Gold.document_id == Document.id)
        .where(is_one_of(session, Document.id, document_ids))
    )
    return [GoldToCompare(document, gold) for document, gold in session.execute(statement)]


def forget_differences(
    session: Session, project_id: int, document_ids: Collection[int] | None = None
) -> None:
    """Drop what was found of these documents, or of the whole project."""
    its: ColumnElement[bool] = DifferingDocument.project_id == project_id
    if document_ids is not None:
        its = and_(its, is_one_of(session, DifferingDocument.document_id, document_ids))
    session.execute(delete(DifferingDocument).where(its))


def differing(
    session: Session, project_id: int, wanted: Wanted, after: Place | None, limit: int
) -> list[tuple[DifferingDocument, Document]]:
    """Documents whose gold is still what was compared and that nobody has decided about."""
    statement = (
        select(DifferingDocument, Document)
        .join(Document, Document.id == DifferingDocument.document_id)
        .where(
            DifferingDocument.project_id == project_id,
            _gold_revision() == DifferingDocument.gold_revision,
            ~_decided(),
        )
        .order_by(DifferingDocument.confidence.desc(), DifferingDocument.document_id.desc())
        .limit(limit)
    )
    if wanted.least:
        statement = statement.where(DifferingDocument.confidence >= wanted.least)
    if wanted.kind or wanted.label:
        named = [Difference.document_id == DifferingDocument.document_id]
        named += [Difference.kind == wanted.kind] if wanted.kind else []
        named += [Difference.label == wanted.label] if wanted.label else []
        statement = statement.where(exists().where(*named))
    if after is not None:
        statement = statement.where(
            or_(
                DifferingDocument.confidence < after.confidence,
                and_(
                    DifferingDocument.confidence == after.confidence,
                    DifferingDocument.document_id < after.document_id,
                ),
            )
        )
    return [(found, document) for found, document in session.execute(statement)]


def kinds_of(session: Session, document_ids: Collection[int]) -> dict[int, list[tuple[str, str]]]:
    """Kind and label of each difference of these documents."""
    found: dict[int, list[tuple[str, str]]] = {number: [] for number in document_ids}
    statement = select(Difference.document_id, Difference.kind, Difference.label)
    chosen = statement.where(is_one_of(session, Difference.document_id, document_ids))
    for number, kind, label in session.execute(chosen.order_by(Difference.id)):
        found[number].append((kind, label))
    return found


def difference_counts(session: Session, project_id: int) -> dict[tuple[str, str], int]:
    """How many differences of each kind and label there are that nobody has decided about, in
    documents whose gold is still what was compared."""
    named = select(Difference.kind, Difference.label, func.count())
    found = named.where(Difference.project_id == project_id)
    # few: all are counted by their index, and those of documents that are not listed taken off
    unlisted = union(_decided_documents(project_id), _changed_documents(project_id)).subquery()
    left_out = named.join(unlisted, unlisted.c.document_id == Difference.document_id)
    by_name = Difference.kind, Difference.label
    counts = {(kind, label): n for kind, label, n in session.execute(found.group_by(*by_name))}
    for kind, label, n in session.execute(left_out.group_by(*by_name)):
        counts[kind, label] -= n
    return {name: count for name, count in counts.items() if count}


def _decided_documents(project_id: int) -> Select[int]:
    return (
        select(DifferingDocument.document_id)
        .join(ErrorDecision, ErrorDecision.document_id == DifferingDocument.document_id)
        .where(
            ErrorDecision.project_id == project_id,
            ErrorDecision.gold_revision == DifferingDocument.gold_revision,
            ErrorDecision.withdrawn_at.is_(None),
        )
    )


def _changed_documents(project_id: int) -> Select[int]:
    """Those whose gold has changed since it was compared: what changes has the newest revision."""
    since = select(Comparison.revision).where(Comparison.project_id == project_id)
    newest = (
        select(Gold.document_id, Gold.revision)
        .where(Gold.project_id == project_id, Gold.revision >= since.scalar_subquery())
        .order_by(Gold.revision.desc())
        .limit(_NEWEST)
        .subquery()
    )
    return (
        select(DifferingDocument.document_id)
        .join(newest, newest.c.document_id == DifferingDocument.document_id)
        .where(newest.c.revision != DifferingDocument.gold_revision)
    )


def comparison_of(session: Session, project_id: int) -> Comparison | None:
    """How far the project's gold has been compared."""
    return session.get(Comparison, project_id)


def error_decision(session: Session, found: DifferingDocument) -> ErrorDecision | None:
    """What was decided about a document's gold as it was compared, and not taken back."""
    statement = select(ErrorDecision).where(
        ErrorDecision.document_id == found.document_id,
        ErrorDecision.gold_revision == found.gold_revision,
        ErrorDecision.withdrawn_at.is_(None),
    )
    return session.scalars(statement.order_by(ErrorDecision.id.desc()).limit(1)).one_or_none()


def _gold_revision() -> ScalarSelect[int]:
    """Asked of each document by itself: joined, PostgreSQL thinks that hardly one is left, and
    reads all of the gold rather than some lines in their order."""
    its = select(Gold.revision).where(Gold.document_id == DifferingDocument.document_id)
    return its.scalar_subquery()


def _decided() -> ColumnElement[bool]:
    return exists().where(
        ErrorDecision.document_id == DifferingDocument.document_id,
        ErrorDecision.gold_revision == DifferingDocument.gold_revision,
        ErrorDecision.withdrawn_at.is_(None),
    )
