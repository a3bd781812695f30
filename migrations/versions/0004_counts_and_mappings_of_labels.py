"""Labels: counts that are kept up, mappings with a version, and which gold speaks of each."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "label_counts",
        sa.Column(
            "project_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column(
            "version_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("entities", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "documents", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_label_counts_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "kind", "version_id", "label", name=op.f("pk_label_counts")
        ),
    )
    op.create_table(
        "label_mappings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("made_by", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_label_mappings_project_id_projects"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label_mappings")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_label_mappings_project_id")),
    )
    for name in ("label_since", "label_until"):
        op.add_column("projects", sa.Column(name, sa.JSON(), server_default="{}", nullable=False))
    op.add_column("annotation_states", sa.Column("corrected", sa.JSON(), nullable=True))
    _count_what_is_there()


def _count_what_is_there() -> None:
    """Gold and predictions; what people corrected before was not kept by label."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    each = "json_each" if sqlite else "json_array_elements"
    label = "json_extract(e.value, '$.label')" if sqlite else "e.value ->> 'label'"
    for kind, project_id, version_id, source in (
        ("gold", "s.project_id", "0", "gold AS s"),
        (
            "prediction",
            "v.project_id",
            "s.version_id",
            "predictions AS s JOIN versions AS v ON v.id = s.version_id",
        ),
    ):
        op.execute(
            "INSERT INTO label_counts "  # noqa: S608
            "(project_id, kind, version_id, label, entities, documents) "
            f"SELECT {project_id}, '{kind}', {version_id}, {label}, count(*), "
            f"count(DISTINCT s.document_id) FROM {source} CROSS JOIN {each}(s.entities) AS e "
            "GROUP BY 1, 2, 3, 4"
        )


def downgrade() -> None:
    with op.batch_alter_table("annotation_states", schema=None) as batch_op:
        batch_op.drop_column("corrected")
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.drop_column("label_until")
        batch_op.drop_column("label_since")
    op.drop_table("label_mappings")
    op.drop_table("label_counts")
