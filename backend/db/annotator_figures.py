"""What the newest annotations of a project tell of the people who made them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.tables import (
    Account,
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    GoldSource,
    Prediction,
    Version,
)
from backend.db.tables_of_autolabel import Autolabel
from backend.db.tables_of_sharing import Sharing


class Annotated(NamedTuple):
    """The last state of one annotation that was submitted."""

    annotation_id: int
    document_id: int
    account_id: int
    lead_time: float | None  # seconds
    version_name: str | None  # of the prediction it began from
    correction: Mapping[str, Any]
    entities: Sequence[Mapping[str, Any]]
    updated_at: datetime
    blind: bool | None  # whether it is of the blind slice; None where chance drew nothing
    audit: str | None  # of the autolabel queue: labelled blind for another reason
    item_state: str | None  # of its item in the queue, where it has one
    said: frozenset[tuple[int, int, str]]  # the entities as spans with their label


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
            AnnotationState.updated_at,
            Sharing.blind,
            Autolabel.audit,
            Autolabel.state,
            AnnotationState.status,
        )
        .outerjoin(Sharing, Sharing.document_id == AnnotationState.document_id)
        .outerjoin(Autolabel, Autolabel.document_id == AnnotationState.document_id)
        .where(AnnotationState.project_id == project_id)
        .order_by(AnnotationState.id.desc())
        .limit(limit)
    )
    last: dict[tuple[int, int], Any] = {}
    for row in rows:
        last.setdefault((row.document_id, row.annotation_id), row)
    return [
        Annotated._make((*row[:-1], _spans(row.entities)))
        for row in last.values()
        if row.status == AnnotationStatus.SUBMITTED and row.account_id is not None
    ]


def people(session: Session, ids: Collection[int]) -> dict[int, Account]:
    """The accounts of these numbers."""
    found = session.scalars(select(Account).where(is_one_of(session, Account.id, ids)))
    return {account.id: account for account in found}


def texts(session: Session, ids: Collection[int]) -> dict[int, str]:
    """The texts of documents."""
    rows = session.execute(
        select(Document.id, Document.text).where(is_one_of(session, Document.id, ids))
    )
    return {number: text for number, text in rows}


def gold_by_people(session: Session, ids: Collection[int]) -> dict[int, Gold]:
    """The gold of documents that people gave or decided about."""
    found = session.scalars(
        select(Gold).where(
            is_one_of(session, Gold.document_id, ids),
            Gold.source.in_((GoldSource.PERSON, GoldSource.DECISION)),
        )
    )
    return {gold.document_id: gold for gold in found}


def predicted(session: Session, ids: Collection[int]) -> list[tuple[Prediction, Version]]:
    """What any version said of documents, the oldest version first."""
    rows = session.execute(
        select(Prediction, Version)
        .join(Version, Version.id == Prediction.version_id)
        .where(is_one_of(session, Prediction.document_id, ids))
        .order_by(Version.id)
    )
    return [(prediction, version) for prediction, version in rows]


def _spans(entities: Sequence[Mapping[str, Any]]) -> frozenset[tuple[int, int, str]]:
    return frozenset((one["start"], one["end"], one["label"]) for one in entities)
