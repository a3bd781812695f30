"""Tables of evidence: the strings that gold holds, and suggestions that people did not let stand.

Gold mentions are read from gold by a job (see loop/mentions.py), not by whoever writes it: an
import would take three rows more for each of its entities, and nothing that decides reads them.
"""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base, Id

LONGEST_FORM = 100  # characters of a form that are kept: longer strings are told apart by no more


class RejectionKind(StrEnum):
    """What a person made of a suggestion."""

    REMOVED = "removed"
    MOVED = "moved"  # other boundaries
    RELABELLED = "relabelled"


class Rejection(Base):
    """A suggested entity that a person did not let stand, and what it became. Rows are only added.

    Labels are gold's. It counts while its annotation still is in the state that rejected, and
    nobody says otherwise of the same text (see workflow/evidence/rejections.py).
    """

    __tablename__ = "rejections"
    __table_args__ = (
        Index("ix_rejections_form", "project_id", "form"),
        Index("ix_rejections_document", "document_id"),
        Index("ix_rejections_state", "annotation_state_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    annotation_state_id: Mapped[int] = mapped_column(
        ForeignKey("annotation_states.id", ondelete="CASCADE")
    )
    version_name: Mapped[str | None] = mapped_column(String(63))  # that suggested it
    kind: Mapped[str] = mapped_column(String(10))
    form: Mapped[str] = mapped_column(String(LONGEST_FORM))  # of what was suggested
    start: Mapped[int] = mapped_column(Integer)
    stop: Mapped[int] = mapped_column(Integer)
    label: Mapped[str] = mapped_column(String(200))
    became_start: Mapped[int | None] = mapped_column(Integer)
    became_stop: Mapped[int | None] = mapped_column(Integer)
    became_label: Mapped[str | None] = mapped_column(String(200))


class MentionForm(Base):
    """The normal form of a string that gold holds, or has held."""

    __tablename__ = "mention_forms"
    __table_args__ = (UniqueConstraint("project_id", "form"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    form: Mapped[str] = mapped_column(String(LONGEST_FORM))


class MentionGram(Base):
    """One of the character n-grams of a form, by which similar ones are found."""

    __tablename__ = "mention_grams"
    __table_args__ = ({"sqlite_with_rowid": False},)

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    gram: Mapped[str] = mapped_column(String(8), primary_key=True)
    form_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)


class Mention(Base):
    """One entity of a document's gold: `[start, stop)` of its text."""

    __tablename__ = "mentions"
    __table_args__ = (
        Index("ix_mentions_document", "document_id"),
        {"sqlite_with_rowid": False},
    )

    form_id: Mapped[int] = mapped_column(
        ForeignKey("mention_forms.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    label: Mapped[str] = mapped_column(String(200), primary_key=True)
    document_id: Mapped[int] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    start: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    stop: Mapped[int] = mapped_column(Integer)


class MentionMark(Base):
    """How far a project's gold has been read, in the order of its changes: the last that was."""

    __tablename__ = "mention_marks"

    project_id: Mapped[int] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    revision: Mapped[int] = mapped_column(Id, default=0)
    document_id: Mapped[int] = mapped_column(Id, default=0)
