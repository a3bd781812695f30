"""What selection ranks by, and the batches that were chosen."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _of(table: str, column: str, other: str, *, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete=ondelete)


def upgrade() -> None:
    op.create_table(
        "document_scores",
        sa.Column("document_id", Id, autoincrement=False, nullable=False),
        sa.Column("version_id", Id, autoincrement=False, nullable=False),
        sa.Column("log_probability", sa.Double(), nullable=False),
        sa.Column("characters", sa.Integer(), nullable=False),
        sa.Column("margin", sa.Double(), nullable=False),
        sa.Column("mean_entropy", sa.Double(), nullable=False),
        sa.Column("max_entropy", sa.Double(), nullable=False),
        sa.Column("disagreement", sa.Double(), nullable=True),
        sa.Column("expected", sa.JSON(), nullable=False),
        sa.Column("entities", sa.Double(), nullable=False),
        sa.Column("edits", sa.Double(), nullable=False),
        sa.Column("arrays", sa.String(length=40), nullable=True),
        sa.Column("row", sa.Integer(), nullable=False),
        _of("document_scores", "document_id", "documents", ondelete="CASCADE"),
        _of("document_scores", "version_id", "versions", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document_id", "version_id", name=op.f("pk_document_scores")),
    )
    op.create_index("ix_document_scores_version", "document_scores", ["version_id"])
    op.create_table(
        "batches",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("version_id", Id, nullable=True),
        sa.Column("mixture", sa.JSON(), nullable=False),
        sa.Column("candidates", sa.Integer(), nullable=False),
        sa.Column("documents", sa.Integer(), nullable=False),
        sa.Column("at_random", sa.Integer(), nullable=False),
        sa.Column("tab_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _of("batches", "project_id", "projects", ondelete="CASCADE"),
        _of("batches", "version_id", "versions", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index("ix_batches_project", "batches", ["project_id", "id"])
    op.create_table(
        "batch_documents",
        sa.Column("document_id", Id, autoincrement=False, nullable=False),
        sa.Column("batch_id", Id, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        _of("batch_documents", "document_id", "documents", ondelete="CASCADE"),
        _of("batch_documents", "batch_id", "batches", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_batch_documents")),
    )
    op.create_index("ix_batch_documents_batch", "batch_documents", ["batch_id", "place"])


def downgrade() -> None:
    for table in ("batch_documents", "batches", "document_scores"):
        op.drop_table(table)
