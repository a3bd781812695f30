"""Gold that is in doubt: runs that look for it, what they found, and what people decided."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ACTIVE = "state IN ('waiting', 'running')"


def _belongs_to(table: str, column: str, other: str, *, cascade: bool = True) -> sa.Constraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"{other}.id"],
        name=op.f(f"fk_{table}_{column}_{other}"),
        ondelete="CASCADE" if cascade else None,
    )


def upgrade() -> None:
    op.create_table(
        "doubt_runs",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("asked_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("gold_revision", Id, nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        _belongs_to("doubt_runs", "project_id", "projects"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doubt_runs")),
    )
    op.create_index(
        "uq_doubt_runs_active",
        "doubt_runs",
        ["project_id"],
        unique=True,
        sqlite_where=sa.text(ACTIVE),
        postgresql_where=sa.text(ACTIVE),
    )
    op.create_index("ix_doubt_runs_project", "doubt_runs", ["project_id", "id"])
    op.create_table(
        "doubts",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("document_id", Id, nullable=False),
        sa.Column("run_id", Id, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("gold", sa.JSON(), nullable=False),
        sa.Column("proposal", sa.JSON(), nullable=False),
        sa.Column("given", sa.Double(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("gold_revision", Id, nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        _belongs_to("doubts", "project_id", "projects"),
        _belongs_to("doubts", "document_id", "documents"),
        _belongs_to("doubts", "run_id", "doubt_runs"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doubts")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_doubts_queue", "doubts", ["project_id", "verdict", "rank"])
    op.create_index("ix_doubts_document", "doubts", ["document_id"])
    op.create_table(
        "doubt_decisions",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("document_id", Id, nullable=False),
        sa.Column("doubt_id", Id, nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("gold", sa.JSON(), nullable=False),
        sa.Column("proposal", sa.JSON(), nullable=False),
        sa.Column("gold_revision", Id, nullable=False),
        sa.Column("adjudication_id", Id, nullable=True),
        sa.Column("queue_number", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        _belongs_to("doubt_decisions", "project_id", "projects"),
        _belongs_to("doubt_decisions", "document_id", "documents"),
        _belongs_to("doubt_decisions", "adjudication_id", "adjudications", cascade=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doubt_decisions")),
    )
    op.create_index("ix_doubt_decisions_document", "doubt_decisions", ["document_id"])
    op.create_index("ix_doubt_decisions_project", "doubt_decisions", ["project_id", "id"])


def downgrade() -> None:
    for table in ("doubt_decisions", "doubts", "doubt_runs"):
        op.drop_table(table)
