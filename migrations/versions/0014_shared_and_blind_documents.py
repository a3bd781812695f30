"""Documents that chance has drawn for several people, or to be labelled without pre-labels."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SEVERAL = sa.text("annotators > 1")


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "sharings",
        sa.Column("document_id", number, autoincrement=False, nullable=False),
        sa.Column("project_id", number, nullable=False),
        sa.Column("annotators", sa.Integer(), nullable=False),
        sa.Column("blind", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("told_task_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["documents.id"],
            name=op.f("fk_sharings_document_id_documents"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_sharings_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_sharings")),
    )
    op.create_index(
        "ix_sharings_several",
        "sharings",
        ["project_id", "document_id"],
        sqlite_where=SEVERAL,
        postgresql_where=SEVERAL,
    )


def downgrade() -> None:
    op.drop_table("sharings")
