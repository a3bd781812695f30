"""The index of duplicate groups tells originals from copies: an import asks for originals alone."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NAME = "ix_documents_group"


def upgrade() -> None:
    _over("project_id", "group_key", "canonical_id")


def downgrade() -> None:
    _over("project_id", "group_key")


def _over(*columns: str) -> None:
    op.drop_index(NAME, "documents")
    op.create_index(NAME, "documents", list(columns))
