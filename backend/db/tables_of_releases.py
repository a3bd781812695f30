"""The table of releases: what is in one stands in its folder, named by its digest."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from backend.db.tables import Base, Id, now


class Release(Base):
    """One frozen, numbered gold dataset; never changed once it is there."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64))  # names its gold: the manifest says how
    manifest_digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of manifest.json
    folder: Mapped[str] = mapped_column(Text)
    gold_revision: Mapped[int] = mapped_column(Id)
    filters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    made_by: Mapped[str] = mapped_column(String(254))
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
