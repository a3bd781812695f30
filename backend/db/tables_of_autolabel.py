"""Tables of the autolabel queue: promises, runs in chunks, items and every change of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base, Id, now


class PromiseState(StrEnum):
    IN_FORCE = "in_force"
    LACKING = "lacking"  # too little certify gold, or no threshold keeps it: accepts nothing
    STOPPED = "stopped"  # the audit contradicts it
    REPLACED = "replaced"  # by a newer one


class Promise(Base):
    """A rule for one version: documents of at least this confidence are accepted.

    An accepted document is exactly right with probability at least `p`, at confidence
    1 - `delta`. `figures` says how it was found, and how many more certify documents it needs
    when there is no threshold.
    """

    __tablename__ = "promises"
    __table_args__ = (Index("ix_promises_project", "project_id", "state"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    p: Mapped[float]
    delta: Mapped[float]
    threshold: Mapped[float | None]
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text, default="")
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    signed_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]


class AutolabelRunState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class AutolabelRun(Base):
    """One version's pass over the pool, whose copies follow; an index allows one a project.

    `cursor` is the last document that was given to a chunk.
    """

    __tablename__ = "autolabel_runs"
    __table_args__ = (
        Index(
            "uq_autolabel_runs_active",
            "project_id",
            unique=True,
            sqlite_where=text("state IN ('running', 'paused')"),
            postgresql_where=text("state IN ('running', 'paused')"),
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("promises.id"))
    state: Mapped[str] = mapped_column(String(10), default=AutolabelRunState.RUNNING)
    total: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    cursor: Mapped[int] = mapped_column(Id, default=0)
    asked_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class AutolabelChunk(Base):
    """Documents that one job predicts; its folder is the truth about it. Gone when stored."""

    __tablename__ = "autolabel_chunks"
    __table_args__ = (UniqueConstraint("run_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("autolabel_runs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    folder: Mapped[str] = mapped_column(Text)
    documents: Mapped[int] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    beat: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None]


class AutolabelState(StrEnum):
    PENDING = "pending"
    BY_RULE = "by_rule"  # accepted by the promise
    BY_PERSON = "by_person"
    REJECTED = "rejected"
    SENT = "sent"  # to Label Studio, for people
    RECALLED = "recalled"


class Audit(StrEnum):
    """An accepted document that people label blind, and what came of it."""

    OPEN = "open"
    RIGHT = "right"
    WRONG = "wrong"


class Autolabel(Base):
    """What the newest version to look at a document would have its gold be."""

    __tablename__ = "autolabels"
    __table_args__ = (
        Index("ix_autolabels_state", "project_id", "state", "confidence"),
        Index(
            "ix_autolabels_audit",
            "project_id",
            "audit",
            sqlite_where=text("audit IS NOT NULL"),
            postgresql_where=text("audit IS NOT NULL"),
        ),
    )

    document_id: Mapped[int] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    promise_id: Mapped[int | None] = mapped_column(ForeignKey("promises.id"))
    state: Mapped[str] = mapped_column(String(10), default=AutolabelState.PENDING)
    entities: Mapped[list[dict[str, Any]]]
    confidence: Mapped[float]  # that all of it is right, calibrated
    audit: Mapped[str | None] = mapped_column(String(10))
    audited_at: Mapped[datetime | None]
    # gold that people gave the audited document, when it was looked at
    audit_entities: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    changed_by: Mapped[str] = mapped_column(String(254))
    changed_at: Mapped[datetime] = mapped_column(default=now)


class AutolabelChange(Base):
    """One change of an item's state: rows are only ever added."""

    __tablename__ = "autolabel_changes"
    __table_args__ = (Index("ix_autolabel_changes_document", "document_id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    state: Mapped[str] = mapped_column(String(10))
    changed_by: Mapped[str] = mapped_column(String(254))  # an address, or "promise N"
    reason: Mapped[str] = mapped_column(Text, default="")
    changed_at: Mapped[datetime] = mapped_column(default=now)
