"""The tables of surveys: what a look at all of a project's gold and copies found.

Pages may not scan half a million documents. A job does, now and then, and they read what it kept.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base, now


class Survey(Base):
    """The last survey of a project.

    `mark` says what it looked at: with another mark there is something new to see. `figures` holds
    `totals` of copies, how many were `found` of each kind, and the `growth` of gold.
    """

    __tablename__ = "surveys"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    mark: Mapped[str] = mapped_column(String(200))
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seconds: Mapped[float]  # that it took
    made_at: Mapped[datetime] = mapped_column(default=now)


class Found(StrEnum):
    """What a survey finds."""

    EXACT_CONFLICT = "exact-conflict"
    NEAR_CONFLICT = "near-conflict"
    EXACT_GROUP = "exact-group"
    NEAR_GROUP = "near-group"
    SURFACE_FORM = "surface-form"


class Finding(Base):
    """One thing that the last survey found, in the order in which people should see them.

    `subject` names the group it is about: an exact group's key, or `near` and its number; it is
    empty where it is about no group. `labels` are those it concerns, a line each.
    """

    __tablename__ = "findings"
    __table_args__ = (Index("ix_findings_subject", "project_id", "subject"),)

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    subject: Mapped[str] = mapped_column(String(80), default="")
    labels: Mapped[str] = mapped_column(Text, default="")
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)
    settled: Mapped[bool] = mapped_column(default=False)  # decided since
