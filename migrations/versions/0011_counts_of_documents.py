"""Counts of documents by state, kept up by writers so that no page scans them."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "document_counts",
        sa.Column("project_id", Id, autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("documents", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_document_counts_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "state", name=op.f("pk_document_counts")),
    )
    op.execute(
        "INSERT INTO document_counts (project_id, state, documents) "
        "SELECT d.project_id, CASE WHEN d.canonical_id IS NOT NULL THEN 'copies' "
        "WHEN g.source IN ('person', 'decision') THEN 'person' "
        "WHEN g.source = 'rule' THEN 'rule' WHEN g.source IS NOT NULL THEN 'imported' "
        "WHEN d.task_state = 'open' THEN 'open' WHEN d.task_state = 'done' THEN 'skipped' "
        "WHEN d.task_state = 'deleted' THEN 'deleted' WHEN NOT d.deduped THEN 'unsorted' "
        "ELSE 'pool' END, count(*) "
        "FROM documents AS d LEFT JOIN gold AS g ON g.document_id = d.id GROUP BY 1, 2"
    )


def downgrade() -> None:
    op.drop_table("document_counts")
