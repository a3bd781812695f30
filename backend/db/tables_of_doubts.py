"""Tables of doubts: gold that models which never saw it would have labelled otherwise."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base, Id, now
from backend.db.tables_of_review import Decided, indexes


class DoubtRunState(StrEnum):
    WAITING = "waiting"  # for a worker
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


ACTIVE_DOUBT_RUNS = (DoubtRunState.WAITING, DoubtRunState.RUNNING)


class DoubtRun(Base):
    """One look at all gold by models that never saw it; a database index allows one a project.

    `beat` and `lease_until` are as of a training run. `figures` is what the worker measured, with
    `doubts`, how many were found, and `kept`, how many of them are in the queue.
    """

    __tablename__ = "doubt_runs"
    __table_args__ = (
        Index(
            "uq_doubt_runs_active",
            "project_id",
            unique=True,
            sqlite_where=text("state IN ('waiting', 'running')"),
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
        Index("ix_doubt_runs_project", "project_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(10), default=DoubtRunState.WAITING)
    asked_by: Mapped[str] = mapped_column(String(254))
    reason: Mapped[str] = mapped_column(Text, default="")
    gold_revision: Mapped[int] = mapped_column(Id, default=0)  # of the gold that is looked at
    folder: Mapped[str] = mapped_column(Text, default="")
    beat: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None]
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]


class Doubt(Base):
    """A piece of a document's gold, and what it might be instead.

    `gold` are the entities that would go and `proposal` those that would come: without gold one was
    missed, without a proposal it is spurious. It stands while the document's gold is of
    `gold_revision`. `rank` is its place in the queue, from 1; `score` in [0, 1], how far up it is
    in both rankings; `given` the probability of what gold says there. `evidence` holds `strings`,
    how often the same string is marked with which label elsewhere ("" for not at all), and
    `similar`, the ids of documents that read alike there.
    """

    __tablename__ = "doubts"
    __table_args__ = (
        Index("ix_doubts_queue", "project_id", "verdict", "rank"),
        Index("ix_doubts_document", "document_id"),
        {"sqlite_autoincrement": True},  # decisions and links name doubts that are gone
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    run_id: Mapped[int] = mapped_column(ForeignKey("doubt_runs.id", ondelete="CASCADE"))
    rank: Mapped[int] = mapped_column(Integer)
    score: Mapped[float]
    kind: Mapped[str] = mapped_column(String(20))  # see workflow/doubts/rank.py
    label: Mapped[str] = mapped_column(String(200))  # gold's, or the proposal's where it has none
    gold: Mapped[list[dict[str, Any]]]
    proposal: Mapped[list[dict[str, Any]]]  # with its probability
    given: Mapped[float]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    gold_revision: Mapped[int] = mapped_column(Id)
    verdict: Mapped[str] = mapped_column(String(10), default="")  # "" while nobody has decided


class DoubtDecision(Decided, Base):
    """A verdict, with the doubt as it was."""

    __tablename__ = "doubt_decisions"
    __table_args__ = indexes(__tablename__)

    doubt_id: Mapped[int] = mapped_column(Id)  # which a later run replaces
    kind: Mapped[str] = mapped_column(String(20))
    gold: Mapped[list[dict[str, Any]]]
    proposal: Mapped[list[dict[str, Any]]]
    queue_number: Mapped[int | None] = mapped_column(Integer)  # the place that it gave
