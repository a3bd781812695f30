"""How long people's newest annotations took."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.tables import AnnotationState, AnnotationStatus


def newest_lead_times(session: Session, project_id: int, limit: int) -> list[float]:
    """Seconds that Label Studio counted for the newest submitted annotations, the newest first."""
    statement = (
        select(AnnotationState.lead_time)
        .where(
            AnnotationState.project_id == project_id,
            AnnotationState.status == AnnotationStatus.SUBMITTED,
            AnnotationState.lead_time > 0,
        )
        .order_by(AnnotationState.id.desc())
        .limit(limit)
    )
    return [float(seconds) for seconds in session.scalars(statement) if seconds is not None]
