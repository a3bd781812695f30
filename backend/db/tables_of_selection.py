"""Tables of selection: how unsure versions are of documents, and the batches that were chosen."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base, Id, now


class DocumentScore(Base):
    """What selection ranks a document by, as one version sees it: see PredictRequest.

    `entities` and `edits` are how many are to be expected in the end and on the way there. The
    document's vectors are row `row` of the arrays that `arrays` names, beside the version in the
    model store.
    """

    __tablename__ = "document_scores"
    __table_args__ = (Index("ix_document_scores_version", "version_id"),)

    document_id: Mapped[int] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version_id: Mapped[int] = mapped_column(
        ForeignKey("versions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    log_probability: Mapped[float]
    characters: Mapped[int] = mapped_column(Integer)
    margin: Mapped[float]
    mean_entropy: Mapped[float]
    max_entropy: Mapped[float]
    disagreement: Mapped[float | None]
    expected: Mapped[dict[str, Any]]  # label → entities
    entities: Mapped[float]
    edits: Mapped[float]
    arrays: Mapped[str | None] = mapped_column(String(40))
    row: Mapped[int] = mapped_column(Integer, default=0)


class Batch(Base):
    """Documents that were chosen at one time, by which mixture of strategies and of how many.

    `at_random` of them are the random arm's. Without a version there was nothing to rank by.
    """

    __tablename__ = "batches"
    __table_args__ = (Index("ix_batches_project", "project_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id", ondelete="SET NULL"))
    mixture: Mapped[dict[str, Any]]  # strategy → weight
    candidates: Mapped[int] = mapped_column(Integer)
    documents: Mapped[int] = mapped_column(Integer)
    at_random: Mapped[int] = mapped_column(Integer)
    tab_id: Mapped[int | None] = mapped_column(Integer)  # of Label Studio's Data Manager
    created_at: Mapped[datetime] = mapped_column(default=now)


class BatchDocument(Base):
    """Which batch a document came with; `place` is 1 for the first of the batch."""

    __tablename__ = "batch_documents"
    __table_args__ = (Index("ix_batch_documents_batch", "batch_id", "place"),)

    document_id: Mapped[int] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    batch_id: Mapped[int] = mapped_column(ForeignKey("batches.id", ondelete="CASCADE"))
    place: Mapped[int] = mapped_column(Integer)
