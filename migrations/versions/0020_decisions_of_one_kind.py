"""Decisions about doubts and about errors are of one kind: the verdict that the model is
right has one name, and a task that has yet to be opened again is noted."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TABLES = ("doubt_decisions", "error_decisions")


def upgrade() -> None:
    for table in TABLES:
        pending = sa.Column("to_reopen", sa.Boolean(), server_default=sa.false(), nullable=False)
        op.add_column(table, pending)
        op.create_index(
            f"ix_{table}_to_reopen",
            table,
            ["id"],
            sqlite_where=sa.text("to_reopen = 1"),
            postgresql_where=sa.text("to_reopen"),
        )
    _rename("proposal", "model")


def downgrade() -> None:
    _rename("model", "proposal")
    for table in TABLES:
        op.drop_index(f"ix_{table}_to_reopen", table_name=table)
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("to_reopen")


def _rename(old: str, new: str) -> None:
    for name in ("doubts", "doubt_decisions"):
        rows = sa.table(name, sa.column("verdict", sa.String))
        op.execute(rows.update().where(rows.c.verdict == old).values(verdict=new))
