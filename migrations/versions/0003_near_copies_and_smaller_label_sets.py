"""Documents: their group of near copies, and labels that were not annotated in them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "projects",
        sa.Column("keys_folded", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "projects",
        sa.Column(
            "copies_revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
    )
    op.add_column(
        "documents",
        sa.Column("near_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
    )
    op.add_column(
        "documents", sa.Column("not_annotated", sa.JSON(none_as_null=True), nullable=True)
    )
    op.create_index(
        "ix_documents_near",
        "documents",
        ["project_id", "near_id"],
        sqlite_where=sa.text("near_id IS NOT NULL"),
        postgresql_where=sa.text("near_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_documents_near", "documents")
    with op.batch_alter_table("documents", schema=None) as batch_op:
        batch_op.drop_column("not_annotated")
        batch_op.drop_column("near_id")
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.drop_column("copies_revision")
        batch_op.drop_column("keys_folded")
