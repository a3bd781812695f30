"""Tables of labels and of what people decided about them: counts, mappings, adjudications."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base, Id, now


class Counted(StrEnum):
    """What is counted a label."""

    GOLD = "gold"
    CORRECTION = "correction"  # entities that people added, moved or relabelled
    PREDICTION = "prediction"
    AUTOLABEL = "autolabel"


class LabelCount(Base):
    """How many entities of a label there are, and documents that hold one; kept up by writers.

    `version_id` is 0 for what no version made.
    """

    __tablename__ = "label_counts"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    version_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False, default=0)
    label: Mapped[str] = mapped_column(String(200), primary_key=True)
    entities: Mapped[int] = mapped_column(Id, default=0)
    documents: Mapped[int] = mapped_column(Id, default=0)


class LabelMapping(Base):
    """A version of a project's renamed and merged labels: the label in gold → what it becomes.

    Gold itself is never rewritten; the newest mapping is applied on the way to training and
    release. None of the mapping's targets is itself mapped; `names` are the mapped labels that
    were only renamed, each with its new name.
    """

    __tablename__ = "label_mappings"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    mapping: Mapped[dict[str, Any]]
    names: Mapped[dict[str, Any]] = mapped_column(default=dict)
    made_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class Adjudication(Base):
    """A curator's decision about a group that was labelled differently.

    `entities` are in the offsets of `document_id`'s text; every exact copy has them projected.
    The newest of a group that was not withdrawn stands; what people annotate later stands above it.
    """

    __tablename__ = "adjudications"
    __table_args__ = (Index("ix_adjudications_group", "project_id", "group_key"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    group_key: Mapped[str] = mapped_column(String(64))
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    entities: Mapped[list[dict[str, Any]]]
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    made_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]
