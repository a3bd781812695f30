"""Tables of errors: where a project's champion and its gold differ, and what people decided."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base, Id, now
from backend.db.tables_of_review import Decided, indexes


class Comparison(Base):
    """How far a project's gold has been compared with its champion, in the order of its changes.

    `revision` and `document_id` are those of the last gold that was; where there was no more, the
    revision is the one after that of all gold. Gold that is changed later has no lower one, and is
    looked at again. `reason` says why the last look failed.
    """

    __tablename__ = "comparisons"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"))
    revision: Mapped[int] = mapped_column(Id, default=0)
    document_id: Mapped[int] = mapped_column(Id, default=0)
    documents: Mapped[int] = mapped_column(Integer, default=0)  # compared, some of them again
    reason: Mapped[str] = mapped_column(Text, default="")
    began_at: Mapped[datetime] = mapped_column(default=now)
    looked_at: Mapped[datetime] = mapped_column(default=now)


class DifferingDocument(Base):
    """A document of which the champion says other than its gold did at `gold_revision`."""

    __tablename__ = "differing_documents"
    __table_args__ = (
        Index("ix_differing_documents_order", "project_id", "confidence", "document_id"),
    )

    document_id: Mapped[int] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"))
    gold_revision: Mapped[int] = mapped_column(Id)
    confidence: Mapped[float]  # the champion's, that all it says is right
    entities: Mapped[list[dict[str, Any]]]  # the champion's


class Difference(Base):
    """One entity that gold and champion do not agree about.

    `kind` is a pairing's (see contract/pairing.py), `label` gold's, or the champion's where gold
    has none there.
    """

    __tablename__ = "differences"
    __table_args__ = (
        Index("ix_differences_document", "document_id"),
        Index("ix_differences_kind", "project_id", "kind", "label"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    document_id: Mapped[int] = mapped_column(
        ForeignKey("differing_documents.document_id", ondelete="CASCADE")
    )
    project_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200))


class ErrorDecision(Decided, Base):
    """A verdict about all of a document's gold, against what a version says."""

    __tablename__ = "error_decisions"
    __table_args__ = indexes(__tablename__)

    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id", ondelete="CASCADE"))
    queue_number: Mapped[int | None] = mapped_column(Id)  # the place that it gave
