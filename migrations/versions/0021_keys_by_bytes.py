"""On PostgreSQL keys of duplicate groups are compared by their bytes: they are hexadecimal, and a
language's order takes an import's look-ups a fifth longer."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _compare_by("C")


def downgrade() -> None:
    _compare_by("default")


def _compare_by(collation: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        kind = sa.String(64, collation=collation)
        op.alter_column("documents", "group_key", type_=kind, existing_nullable=False)
