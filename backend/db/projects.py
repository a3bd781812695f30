"""Questions about projects: which there are, and how far the work in one has come."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from backend.db.tables import (
    AnnotationState,
    AnnotationStatus,
    InboxEvent,
    InboxState,
    Project,
    Reconciliation,
)
from backend.errors import NotFoundError
from backend.settings import ProjectSettings


def project_by_key(session: Session, key: str) -> Project:
    """The project of this key; raises NotFoundError."""
    project = session.scalars(select(Project).where(Project.key == key)).one_or_none()
    if project is None:
        raise NotFoundError("project", key)
    return project


def walked_in(column: InstrumentedAttribute[int], project_id: int) -> ColumnElement[bool]:
    """The condition that a column names this project, for pages in the order of another key.

    No index serves it, so that the key's own is walked: SQLite would take one of the project's
    and sort what is left anew for each page, 0.4 s of half a million documents.
    """
    return column + 0 == project_id


def all_projects(session: Session) -> Sequence[Project]:
    """Every project, by name."""
    return session.scalars(select(Project).order_by(Project.name, Project.id)).all()


def settings_of(project: Project) -> ProjectSettings:
    """What its curator set, defaults filled in."""
    return ProjectSettings.model_validate(project.settings)


@dataclass(frozen=True, slots=True)
class CorrectionCounts:
    """What people did to pre-labels in the annotations that count now."""

    documents: int
    unchanged: int
    kept: int
    edits: int

    @property
    def accepted_share(self) -> float | None:
        """Share of documents whose pre-labels were submitted unchanged."""
        return self.unchanged / self.documents if self.documents else None


def recent_corrections(session: Session, project_id: int, limit: int = 500) -> CorrectionCounts:
    """Corrections in the latest submitted annotations that began from a prediction.

    An annotation counts once, in its last state.
    """
    later = aliased(AnnotationState)
    superseded = exists().where(
        later.project_id == AnnotationState.project_id,
        later.annotation_id == AnnotationState.annotation_id,
        tuple_(later.updated_at, later.id) > tuple_(AnnotationState.updated_at, AnnotationState.id),
    )
    rows = session.scalars(
        select(AnnotationState.correction)
        .where(
            AnnotationState.project_id == project_id,
            AnnotationState.status == AnnotationStatus.SUBMITTED,
            AnnotationState.version_name.is_not(None),
            ~superseded,
        )
        .order_by(AnnotationState.id.desc())
        .limit(limit)
    ).all()
    edits = [
        sum(int(row.get(kind, 0)) for kind in ("added", "removed", "moved", "relabelled"))
        for row in rows
    ]
    return CorrectionCounts(
        documents=len(rows),
        unchanged=edits.count(0),
        kept=sum(int(row.get("kept", 0)) for row in rows),
        edits=sum(edits),
    )


def last_reconciliation(session: Session, project_id: int) -> Reconciliation | None:
    """The last comparison with Label Studio."""
    return session.scalars(
        select(Reconciliation)
        .where(Reconciliation.project_id == project_id)
        .order_by(Reconciliation.id.desc())
        .limit(1)
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class InboxCounts:
    """Webhook deliveries that wait, and those that could not be used."""

    waiting: int
    refused: int


def count_inbox(session: Session, project_id: int) -> InboxCounts:
    """Deliveries of a project that wait, and that were refused."""
    rows = session.execute(
        select(InboxEvent.state, func.count())
        .where(
            InboxEvent.project_id == project_id,
            InboxEvent.state.in_((InboxState.NEW, InboxState.REFUSED)),  # an index finds them
        )
        .group_by(InboxEvent.state)
    )
    counts = {state: number for state, number in rows}
    return InboxCounts(counts.get(InboxState.NEW, 0), counts.get(InboxState.REFUSED, 0))
