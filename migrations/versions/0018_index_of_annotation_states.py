"""An index of annotation states by their number: a project's newest are read without the rest."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NAME = "ix_annotation_states_project"


def upgrade() -> None:
    op.create_index(NAME, "annotation_states", ["project_id", "id"])


def downgrade() -> None:
    op.drop_index(NAME, table_name="annotation_states")
