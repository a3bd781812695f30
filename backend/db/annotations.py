"""Questions about annotations, the people behind them, and the deliveries that told of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.tables import (
    Account,
    AnnotationState,
    AnnotationStatus,
    Document,
    InboxEvent,
    InboxState,
    Prediction,
    Version,
)


def history(session: Session, project_id: int, annotation_id: int) -> Sequence[AnnotationState]:
    """Every state an annotation was seen in, in Label Studio's order."""
    return session.scalars(
        select(AnnotationState)
        .where(
            AnnotationState.project_id == project_id,
            AnnotationState.annotation_id == annotation_id,
        )
        .order_by(AnnotationState.updated_at, AnnotationState.id)
    ).all()


def current_states(session: Session, document_id: int) -> list[AnnotationState]:
    """The state that counts now of each annotation of a document, latest change last."""
    return current_states_of(session, [document_id]).get(document_id, [])


def current_states_of(
    session: Session, document_ids: Collection[int]
) -> dict[int, list[AnnotationState]]:
    """The same for several documents, in one query; those without annotations are left out."""
    rows = session.scalars(
        select(AnnotationState)
        .where(is_one_of(session, AnnotationState.document_id, document_ids))
        .order_by(AnnotationState.updated_at, AnnotationState.id)
    )
    latest: dict[int, dict[int, AnnotationState]] = {}
    for state in rows:
        its = latest.setdefault(state.document_id, {})
        its.pop(state.annotation_id, None)
        its[state.annotation_id] = state
    return {document_id: list(its.values()) for document_id, its in latest.items()}


@dataclass(frozen=True, slots=True)
class KnownAnnotation:
    """What we last recorded of an annotation."""

    updated_at: datetime
    status: str


def known_annotations(session: Session, project_id: int) -> dict[tuple[int, int], KnownAnnotation]:
    """The last recorded state of every annotation, by document and Label Studio's number.

    Imported annotations may be given the number of one that was deleted, on another task.
    """
    rows = session.execute(
        select(
            AnnotationState.document_id,
            AnnotationState.annotation_id,
            AnnotationState.updated_at,
            AnnotationState.status,
        )
        .where(AnnotationState.project_id == project_id)
        .order_by(AnnotationState.updated_at, AnnotationState.id)
    )
    return {
        (document_id, number): KnownAnnotation(updated_at, status)
        for document_id, number, updated_at, status in rows
    }


def deleted_before_seen(session: Session, project_id: int) -> set[int]:
    """Annotations whose deletion was delivered when nothing else was known of them."""
    rows = session.scalars(
        select(InboxEvent.payload).where(
            InboxEvent.project_id == project_id,
            InboxEvent.action == "ANNOTATIONS_DELETED",
            InboxEvent.state == InboxState.DONE,
            InboxEvent.reason != "",
        )
    )
    return {
        item["id"]
        for payload in rows
        for item in payload.get("annotations", ())
        if isinstance(item, dict) and type(item.get("id")) is int
    }


def documents_by_task(session: Session, project_id: int) -> dict[int, int]:
    """The document behind each task of a project that is in Label Studio as far as we know."""
    rows = session.execute(
        select(Document.task_id, Document.id).where(
            Document.project_id == project_id, Document.task_id.is_not(None)
        )
    )
    return {task_id: document_id for task_id, document_id in rows if task_id is not None}


def document_by_task(session: Session, project_id: int, task_id: int) -> Document | None:
    """The document of a task."""
    return session.scalars(
        select(Document).where(Document.project_id == project_id, Document.task_id == task_id)
    ).one_or_none()


def document_by_external_id(session: Session, project_id: int, external_id: str) -> Document | None:
    """The document of this name."""
    return session.scalars(
        select(Document).where(
            Document.project_id == project_id, Document.external_id == external_id
        )
    ).one_or_none()


def group_role(session: Session, project_id: int, group_key: str) -> tuple[str | None, str | None]:
    """Arm and part of a duplicate group, (None, None) while it has no role."""
    row = session.execute(
        select(Document.arm, Document.part)
        .where(
            Document.project_id == project_id,
            Document.group_key == group_key,
            Document.part.is_not(None),
        )
        .limit(1)
    ).one_or_none()
    return (row.arm, row.part) if row else (None, None)


def own_prediction(session: Session, document_id: int, version_name: str) -> Prediction | None:
    """Our copy of what a version said of a document."""
    return session.scalars(
        select(Prediction)
        .join(Version, Version.id == Prediction.version_id)
        .where(Prediction.document_id == document_id, Version.name == version_name)
    ).one_or_none()


def known_users(session: Session, user_ids: Collection[int]) -> dict[int, str]:
    """E-mail addresses of those Label Studio users that have an account here."""
    rows = session.execute(
        select(Account.label_studio_user_id, Account.email).where(
            Account.label_studio_user_id.in_(user_ids)
        )
    )
    return {user_id: email for user_id, email in rows if user_id is not None}


def account_by_user(session: Session, user_id: int) -> Account | None:
    """The account that was matched with a Label Studio user."""
    return session.scalars(
        select(Account).where(Account.label_studio_user_id == user_id).order_by(Account.id).limit(1)
    ).one_or_none()


def waiting_events(session: Session, after: int, limit: int) -> Sequence[InboxEvent]:
    """Deliveries not handled yet, in the order in which they came, after event `after`."""
    return session.scalars(
        select(InboxEvent)
        .where(InboxEvent.state == InboxState.NEW, InboxEvent.id > after)
        .order_by(InboxEvent.id)
        .limit(limit)
    ).all()


def held_event(session: Session, event_id: int) -> InboxEvent | None:
    """A delivery that still waits, held for this transaction; None when another has it."""
    return session.scalars(
        select(InboxEvent)
        .where(InboxEvent.id == event_id, InboxEvent.state == InboxState.NEW)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()


def delete_handled(session: Session, before: datetime, limit: int) -> int:
    """Delete up to `limit` deliveries that were handled before a time; how many there were."""
    old = (
        select(InboxEvent.id)
        .where(InboxEvent.state == InboxState.DONE, InboxEvent.handled_at < before)
        .order_by(InboxEvent.id)
        .limit(limit)
    )
    found = session.execute(
        delete(InboxEvent)
        .where(InboxEvent.id.in_(old))
        .returning(InboxEvent.id)
        .execution_options(synchronize_session=False)
    )
    return len(found.all())


def is_deleted(states: Sequence[AnnotationState]) -> bool:
    """Whether an annotation's history holds its deletion."""
    return any(state.status == AnnotationStatus.DELETED for state in states)
