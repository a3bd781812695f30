"""The table of what chance has drawn to measure people: documents for several, or without help."""

from sqlalchemy import ForeignKey, Index, Integer, false, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base


class Sharing(Base):
    """How one document is given to people; a document without a row goes to one, with pre-labels.

    Drawn when it gets its place in the queue, by the settings of then, and kept.
    """

    __tablename__ = "sharings"
    __table_args__ = (
        Index(
            "ix_sharings_several",
            "project_id",
            "document_id",
            sqlite_where=text("annotators > 1"),
            postgresql_where=text("annotators > 1"),
        ),
    )

    document_id: Mapped[int] = mapped_column(
        ForeignKey("documents.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    annotators: Mapped[int] = mapped_column(Integer, default=1)  # people who must have spoken
    blind: Mapped[bool] = mapped_column(default=False, server_default=false())
    # the task of which Label Studio was told that several are asked
    told_task_id: Mapped[int | None] = mapped_column(Integer)
