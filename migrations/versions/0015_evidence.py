"""Evidence for pre-labels: suggestions that people rejected, and the strings that gold holds."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _of(table: str, column: str, refers_to: str) -> sa.ForeignKeyConstraint:
    """A reference whose row goes with what it refers to."""
    name = op.f(f"fk_{table}_{column}_{refers_to}")
    return sa.ForeignKeyConstraint([column], [f"{refers_to}.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "rejections",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("document_id", Id, nullable=False),
        sa.Column("annotation_state_id", Id, nullable=False),
        sa.Column("version_name", sa.String(length=63), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("form", sa.String(length=100), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("became_start", sa.Integer(), nullable=True),
        sa.Column("became_stop", sa.Integer(), nullable=True),
        sa.Column("became_label", sa.String(length=200), nullable=True),
        _of("rejections", "project_id", "projects"),
        _of("rejections", "document_id", "documents"),
        _of("rejections", "annotation_state_id", "annotation_states"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejections")),
    )
    op.create_index("ix_rejections_form", "rejections", ["project_id", "form"])
    op.create_index("ix_rejections_document", "rejections", ["document_id"])
    op.create_index("ix_rejections_state", "rejections", ["annotation_state_id"])
    op.create_table(
        "mention_forms",
        sa.Column("id", Id, nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("form", sa.String(length=100), nullable=False),
        _of("mention_forms", "project_id", "projects"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention_forms")),
        sa.UniqueConstraint("project_id", "form", name=op.f("uq_mention_forms_project_id")),
    )
    op.create_table(
        "mention_grams",
        sa.Column("project_id", Id, autoincrement=False, nullable=False),
        sa.Column("gram", sa.String(length=8), nullable=False),
        sa.Column("form_id", Id, autoincrement=False, nullable=False),
        _of("mention_grams", "project_id", "projects"),
        sa.PrimaryKeyConstraint("project_id", "gram", "form_id", name=op.f("pk_mention_grams")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mentions",
        sa.Column("form_id", Id, autoincrement=False, nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("document_id", Id, autoincrement=False, nullable=False),
        sa.Column("start", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stop", sa.Integer(), nullable=False),
        _of("mentions", "form_id", "mention_forms"),
        _of("mentions", "document_id", "documents"),
        sa.PrimaryKeyConstraint(
            "form_id", "label", "document_id", "start", name=op.f("pk_mentions")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mentions_document", "mentions", ["document_id"])
    op.create_table(
        "mention_marks",
        sa.Column("project_id", Id, autoincrement=False, nullable=False),
        sa.Column("revision", Id, nullable=False),
        sa.Column("document_id", Id, nullable=False),
        _of("mention_marks", "project_id", "projects"),
        sa.PrimaryKeyConstraint("project_id", name=op.f("pk_mention_marks")),
    )


def downgrade() -> None:
    for table in ("mention_marks", "mentions", "mention_grams", "mention_forms", "rejections"):
        op.drop_table(table)
