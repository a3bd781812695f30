"""Questions about decisions, whatever asked for them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.db.tables import Document, Gold
from backend.db.tables_of_doubts import Doubt, DoubtDecision
from backend.db.tables_of_errors import DifferingDocument, ErrorDecision
from backend.db.tables_of_review import Verdict

Made = TypeVar("Made", DoubtDecision, ErrorDecision)

# decisions → what asked for them: its number, and how it is found
_ASKED: dict[type[Any], tuple[InstrumentedAttribute[int], ColumnElement[bool]]] = {
    DoubtDecision: (Doubt.id, Doubt.id == DoubtDecision.doubt_id),
    ErrorDecision: (
        DifferingDocument.document_id,
        DifferingDocument.document_id == ErrorDecision.document_id,
    ),
}


class SentBack(NamedTuple):
    """What went back to people; `answered` once its gold has changed since, `there` while the page
    that it was sent back from is."""

    decision: DoubtDecision | ErrorDecision
    document: Document
    answered: bool
    there: bool


def to_reopen(session: Session, table: type[Made]) -> Sequence[Made]:
    """Decisions whose task has yet to be opened again."""
    return session.scalars(select(table).where(table.to_reopen).order_by(table.id)).all()


def sent_back(
    session: Session, table: type[Made], project_id: int, before: int, limit: int
) -> list[SentBack]:
    """What one kind of decisions sent back, the newest first, before one's number (0: all).

    What was answered is listed until it is looked for anew.
    """
    number, its = _ASKED[table]
    statement = (
        select(table, Document, Gold.revision, number)
        .join(Document, Document.id == table.document_id)
        .outerjoin(Gold, Gold.document_id == table.document_id)
        .outerjoin(number.class_, its)
        .where(
            table.project_id == project_id,
            table.verdict == Verdict.SENT,
            table.withdrawn_at.is_(None),
            or_(number.is_not(None), Gold.revision == table.gold_revision),
        )
        .order_by(table.id.desc())
        .limit(limit)
    )
    if before:
        statement = statement.where(table.id < before)
    return [
        SentBack(decision, document, revision != decision.gold_revision, there is not None)
        for decision, document, revision, there in session.execute(statement)
    ]
