"""Questions about decisions, whatever asked for them."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.tables_of_doubts import DoubtDecision
from backend.db.tables_of_errors import ErrorDecision

Made = TypeVar("Made", DoubtDecision, ErrorDecision)


def to_reopen(session: Session, table: type[Made]) -> Sequence[Made]:
    """Decisions whose task has yet to be opened again."""
    return session.scalars(select(table).where(table.to_reopen).order_by(table.id)).all()
