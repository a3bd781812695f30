"""How much there is of each label, from the counts that are kept up."""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from backend.db.tables_of_labels import Counted, LabelCount

Numbers = tuple[int, int]  # entities, documents that hold one


def gold_counts(session: Session, project_id: int) -> dict[str, Numbers]:
    """How much gold each label has."""
    statement = select(LabelCount.label, LabelCount.entities, LabelCount.documents).where(
        LabelCount.project_id == project_id,
        LabelCount.kind == Counted.GOLD,
        LabelCount.entities != 0,
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(statement)}


def all_counts(
    session: Session, project_id: int, version_id: int | None
) -> dict[str, dict[Counted, Numbers]]:
    """Every kind of count of each label; predictions are of this version alone.

    Items of the autolabel queue add up over versions: a document has one.
    """
    statement = (
        select(
            LabelCount.label,
            LabelCount.kind,
            func.sum(LabelCount.entities),
            func.sum(LabelCount.documents),
        )
        .where(
            LabelCount.project_id == project_id,
            LabelCount.entities != 0,
            or_(LabelCount.kind != Counted.PREDICTION, LabelCount.version_id == version_id),
        )
        .group_by(LabelCount.label, LabelCount.kind)
        .order_by(LabelCount.label)
    )
    found: dict[str, dict[Counted, Numbers]] = {}
    for label, kind, entities, documents in session.execute(statement):
        found.setdefault(label, {})[Counted(kind)] = (int(entities), int(documents))
    return found
