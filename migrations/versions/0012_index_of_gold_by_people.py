"""An index of gold by people alone: what changed since a run is counted without imported gold."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BY_PEOPLE = sa.text("source IN ('person', 'decision')")


def upgrade() -> None:
    op.create_index(
        "ix_gold_people",
        "gold",
        ["project_id", "revision"],
        sqlite_where=BY_PEOPLE,
        postgresql_where=BY_PEOPLE,
    )


def downgrade() -> None:
    op.drop_index("ix_gold_people", table_name="gold")
