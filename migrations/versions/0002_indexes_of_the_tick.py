"""Indexes for what every tick asks of a project: unsorted documents, copies, open tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

RESERVED = "queue_number IS NOT NULL AND task_state IS NULL"


def upgrade() -> None:
    op.create_index(
        "ix_documents_unsorted",
        "documents",
        ["project_id", "id"],
        sqlite_where=sa.text("deduped IS 0"),
        postgresql_where=sa.text("deduped IS false"),
    )
    op.create_index(
        "ix_documents_copies",
        "documents",
        ["project_id", "canonical_id"],
        sqlite_where=sa.text("canonical_id IS NOT NULL"),
        postgresql_where=sa.text("canonical_id IS NOT NULL"),
    )
    op.create_index(
        "ix_documents_reserved",
        "documents",
        ["project_id", "queue_number"],
        sqlite_where=sa.text(RESERVED),
        postgresql_where=sa.text(RESERVED),
    )
    op.create_index("ix_documents_task_state", "documents", ["project_id", "task_state"])
    op.create_index("ix_gold_source", "gold", ["project_id", "source", "document_id"])


def downgrade() -> None:
    op.drop_index("ix_gold_source", "gold")
    op.drop_index("ix_documents_task_state", "documents")
    op.drop_index("ix_documents_reserved", "documents")
    op.drop_index("ix_documents_copies", "documents")
    op.drop_index("ix_documents_unsorted", "documents")
