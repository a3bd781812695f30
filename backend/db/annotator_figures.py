"""What the newest annotations of a project tell of the people who made them."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.tables import Account, AnnotationState, AnnotationStatus, Document
from backend.db.tables_of_autolabel import Audit, Autolabel


class Annotated(NamedTuple):
    """The last state of one annotation that was submitted."""

    annotation_id: int
    document_id: int
    account_id: int
    lead_time: float | None  # seconds
    version_name: str | None  # of the prediction it began from
    correction: Mapping[str, Any]
    entities: Sequence[Mapping[str, Any]]


def newest_state(session: Session, project_id: int) -> int:
    """The number of a project's newest annotation state, 0 before the first."""
    statement = select(AnnotationState.id).where(AnnotationState.project_id == project_id)
    return session.scalars(statement.order_by(AnnotationState.id.desc()).limit(1)).first() or 0


def newest_annotations(session: Session, project_id: int, limit: int) -> list[Annotated]:
    """What stands submitted among the newest `limit` states, of people who are known."""
    rows = session.execute(
        select(
            AnnotationState.annotation_id,
            AnnotationState.document_id,
            AnnotationState.account_id,
            AnnotationState.lead_time,
            AnnotationState.version_name,
            AnnotationState.correction,
            AnnotationState.entities,
            AnnotationState.status,
        )
        .where(AnnotationState.project_id == project_id)
        .order_by(AnnotationState.id.desc())
        .limit(limit)
    )
    last: dict[tuple[int, int], Any] = {}
    for row in rows:
        last.setdefault((row.document_id, row.annotation_id), row)
    return [
        Annotated(*row[:-1])
        for row in last.values()
        if row.status == AnnotationStatus.SUBMITTED and row.account_id is not None
    ]


def people(session: Session, ids: Collection[int]) -> dict[int, Account]:
    """The accounts of these numbers."""
    found = session.scalars(select(Account).where(is_one_of(session, Account.id, ids)))
    return {account.id: account for account in found}


def lengths(session: Session, ids: Collection[int]) -> dict[int, int]:
    """How many code points the texts of documents have."""
    rows = session.execute(
        select(Document.id, func.length(Document.text)).where(is_one_of(session, Document.id, ids))
    )
    return {number: length for number, length in rows}


def blind_outcomes(session: Session, project_id: int, ids: Collection[int]) -> dict[int, bool]:
    """Documents that people labelled blind, and whether they said what the version had said."""
    rows = session.execute(
        select(Autolabel.document_id, Autolabel.audit).where(
            Autolabel.project_id == project_id,
            Autolabel.audit.in_((Audit.RIGHT, Audit.WRONG)),
            is_one_of(session, Autolabel.document_id, ids),
        )
    )
    return {number: outcome == Audit.RIGHT for number, outcome in rows}
