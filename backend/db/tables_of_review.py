"""What decisions about gold have in common, whatever asked for them: a doubt or an error."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Id, now


class Verdict(StrEnum):
    """What a curator says where gold may be wrong."""

    GOLD = "gold"  # is right: not asked again while it stays
    MODEL = "model"  # is right: what it says is gold now
    SENT = "sent"  # back to annotators


class Decided:
    """The columns of a verdict; `gold_revision` is that of the gold it was about.

    `to_reopen` while a task has yet to be opened again in Label Studio. Rows are only ever added.
    """

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    verdict: Mapped[str] = mapped_column(String(10))
    gold_revision: Mapped[int] = mapped_column(Id)
    adjudication_id: Mapped[int | None] = mapped_column(ForeignKey("adjudications.id"))
    to_reopen: Mapped[bool] = mapped_column(default=False, server_default=false())
    made_by: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_at: Mapped[datetime | None]


def indexes(table: str) -> tuple[Index, ...]:
    """The indexes of a table of decisions."""
    return (
        Index(f"ix_{table}_document", "document_id"),
        Index(f"ix_{table}_project", "project_id", "id"),
        Index(
            f"ix_{table}_to_reopen",
            "id",
            sqlite_where=text("to_reopen = 1"),
            postgresql_where=text("to_reopen"),
        ),
    )
