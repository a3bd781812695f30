"""The place in the queue that a decision about an error gave its document."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("error_decisions", sa.Column("queue_number", Id, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("error_decisions", schema=None) as batch_op:
        batch_op.drop_column("queue_number")
