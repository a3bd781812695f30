"""Questions about duplicate groups: exact ones by their key, near ones by their oldest document.

An exact group shares `group_key`. A near group joins exact groups that are nearly the same: all
their documents share `near_id`. Roles, splits and releases treat a near group as one.
"""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from backend.db.bulk import is_one_of
from backend.db.tables import Arm, Document, Part

MOST_SECRET_FIRST = (Part.TEST, Part.CERTIFY, Part.GATE, Part.DEV, Part.TRAIN)


def split_key(group_key: str, near_id: int | None) -> str:
    """What no split may tear apart: the near group, or the exact one where there is none.

    It means something inside one database only.
    """
    return group_key if near_id is None else f"near {near_id}"


def most_secret(parts: Iterable[str | None]) -> Part | None:
    """The role of a group whose documents name these: the most secret wins."""
    named = set(parts)
    return next((part for part in MOST_SECRET_FIRST if part in named), None)


def near_groups(
    session: Session, project_id: int, group_keys: Collection[str] | None = None
) -> dict[str, int]:
    """The near group of every exact group that is in one; of these only, where they are given."""
    statement = (
        select(Document.group_key, Document.near_id)
        .where(Document.project_id == project_id, Document.near_id.is_not(None))
        .distinct()
    )
    if group_keys is not None:
        statement = statement.where(is_one_of(session, Document.group_key, group_keys))
    return {key: near_id for key, near_id in session.execute(statement) if near_id is not None}


def unite_parts(session: Session, project_id: int, near_ids: Collection[int]) -> int:
    """Give all documents of each near group the most secret role that one of them has.

    Near groups without any role stay without. Returns how many changed. Roles are permanent
    otherwise: a version that was trained on what becomes secret here has seen it.
    """
    return _unite(session, project_id, Document.near_id, near_ids)


def unite_exact(session: Session, project_id: int, group_keys: Collection[str]) -> int:
    """The same for exact groups, whose documents may have had another key before."""
    return _unite(session, project_id, Document.group_key, group_keys)


def _unite(
    session: Session,
    project_id: int,
    column: InstrumentedAttribute[Any],
    values: Collection[int] | Collection[str],
) -> int:
    if not values:
        return 0
    its = Document.project_id == project_id
    named: dict[Any, set[str | None]] = {}
    rows = session.execute(
        select(column, Document.part).where(its, is_one_of(session, column, values)).distinct()
    )
    for group, part in rows:
        named.setdefault(group, set()).add(part)
    torn: dict[Part, list[Any]] = {}
    for group, parts in named.items():
        role = most_secret(parts)
        if role is not None and len(parts) > 1:
            torn.setdefault(role, []).append(group)
    for role, groups in torn.items():
        session.execute(
            update(Document)
            .where(its, is_one_of(session, column, groups))
            .values(part=role, arm=Arm.RANKED if role == Part.TRAIN else Arm.RANDOM)
            .execution_options(synchronize_session="fetch")
        )
    return sum(map(len, torn.values()))
