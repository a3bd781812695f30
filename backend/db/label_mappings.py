"""Questions about the versions of a project's renamed and merged labels."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.tables_of_labels import LabelMapping
from backend.errors import NotFoundError


def newest_mapping(session: Session, project_id: int) -> LabelMapping | None:
    """The mapping in force; None where nothing was ever renamed or merged."""
    statement = select(LabelMapping).where(LabelMapping.project_id == project_id)
    return session.scalars(statement.order_by(LabelMapping.number.desc()).limit(1)).one_or_none()


def all_mappings(session: Session, project_id: int) -> Sequence[LabelMapping]:
    """Every mapping of a project, the oldest first."""
    statement = select(LabelMapping).where(LabelMapping.project_id == project_id)
    return session.scalars(statement.order_by(LabelMapping.number)).all()


def newest_mappings(
    session: Session, project_id: int, limit: int, *, before: int = 0
) -> Sequence[LabelMapping]:
    """Mappings of a project, the newest first, older than number `before` where it is given."""
    statement = select(LabelMapping).where(LabelMapping.project_id == project_id)
    if before:
        statement = statement.where(LabelMapping.number < before)
    return session.scalars(statement.order_by(LabelMapping.number.desc()).limit(limit)).all()


def mapping_by_number(session: Session, project_id: int, number: int) -> LabelMapping:
    """A version of the mapping; raises NotFoundError."""
    statement = select(LabelMapping).where(
        LabelMapping.project_id == project_id, LabelMapping.number == number
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFoundError("label mapping", number)
    return found
