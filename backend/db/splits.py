"""Questions about splits: which groups of copies stand in several parts."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.db.bulk import is_one_of
from backend.db.tables import Document, Gold, Part, Run
from backend.db.tables_of_releases import Release

SHOWN = 5  # documents named a part
GROUPS = 1000  # told at most


@dataclass(frozen=True, slots=True)
class Torn:
    """How many documents have a part, and the groups that stand in several: names by part."""

    documents: int
    groups: list[dict[str, list[str]]]


def torn_exact_groups(session: Session, project_id: int) -> Torn:
    """Exact groups whose documents stand in several parts."""
    return _torn(session, project_id, Document.group_key)


def torn_near_groups(session: Session, project_id: int) -> Torn:
    """Near groups whose documents stand in several parts."""
    return _torn(session, project_id, Document.near_id)


def _placed(project_id: int) -> list[ColumnElement[bool]]:
    """Documents that stand somewhere: gold without a part trains."""
    return [
        Document.project_id == project_id,
        or_(Document.part.is_not(None), Gold.document_id.is_not(None)),
    ]


def _torn(session: Session, project_id: int, column: InstrumentedAttribute[Any]) -> Torn:
    part = func.coalesce(Document.part, Part.TRAIN)
    grouped: Select[Any] = (
        select(column)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(*_placed(project_id), column.is_not(None))
        .group_by(column)
        .having(func.min(part) != func.max(part))
        .order_by(column)
        .limit(GROUPS)
    )
    torn = list(session.scalars(grouped))
    counted = select(func.count(Document.id)).outerjoin(Gold, Gold.document_id == Document.id)
    documents = session.scalar(counted.where(*_placed(project_id))) or 0
    if not torn:
        return Torn(documents, [])
    rows = session.execute(
        select(column, part, Document.external_id)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(*_placed(project_id), is_one_of(session, column, torn))
        .order_by(column, part, Document.id)
    )
    groups: dict[Any, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for group, named, name in rows:
        if len(groups[group][named]) < SHOWN:
            groups[group][named].append(name)
    return Torn(documents, [dict(found) for found in groups.values()])


def newest_snapshot(session: Session, project_id: int) -> str | None:
    """The job folder of the newest run that has frozen a snapshot."""
    return session.scalars(
        select(Run.folder)
        .where(Run.project_id == project_id, Run.snapshot_digest != "", Run.folder != "")
        .order_by(Run.id.desc())
        .limit(1)
    ).one_or_none()


def newest_release(session: Session, project_id: int) -> str | None:
    """The folder of the newest release."""
    return session.scalars(
        select(Release.folder)
        .where(Release.project_id == project_id)
        .order_by(Release.number.desc())
        .limit(1)
    ).one_or_none()
