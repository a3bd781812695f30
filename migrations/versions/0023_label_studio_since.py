"""A Label Studio project is known by when it was made too: another server's has the same number."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("projects", sa.Column("label_studio_since", sa.String(40)))


def downgrade() -> None:
    op.drop_column("projects", "label_studio_since")
