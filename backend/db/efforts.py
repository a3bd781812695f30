"""What people's newest annotations cost them."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.db.tables import AnnotationState, AnnotationStatus, Document

EDITS = ("added", "removed", "moved", "relabelled")


def newest_efforts(
    session: Session, project_id: int, limit: int
) -> list[tuple[int, int, int, int, float]]:
    """Annotator, length, entities, edits and seconds of the newest annotations that were timed.

    Without a prediction to begin from each entity was an edit.
    """
    state = AnnotationState
    newest = (
        select(state.id)
        .where(state.project_id == project_id)
        .order_by(state.id.desc())
        .limit(limit)
        .subquery()
    )
    rows = session.execute(
        select(
            state.account_id,
            func.length(Document.text),
            func.json_array_length(state.entities),
            state.version_name,
            state.correction,
            state.lead_time,
        )
        .join(newest, newest.c.id == state.id)
        .join(Document, Document.id == state.document_id)
        .where(
            state.status == AnnotationStatus.SUBMITTED,
            state.account_id.is_not(None),
            state.lead_time > 0,
        )
        .order_by(state.id)
    )
    return [
        (
            annotator,
            length,
            entities,
            sum(int(correction.get(kind, 0)) for kind in EDITS) if version else entities,
            seconds,
        )
        for annotator, length, entities, version, correction, seconds in rows
    ]
