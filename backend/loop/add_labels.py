"""New labels of a project: Label Studio's configuration first, then ours."""

from collections.abc import Sequence

from backend.context import Context
from backend.db.audit_log import record
from backend.db.projects import project_by_key
from backend.db.versions import locked_project
from backend.errors import ConflictError
from backend.workflow.label_studio.project_config import config_with, take_config


def add_labels(context: Context, key: str, names: Sequence[str], *, by: str) -> list[str]:
    """Add labels to a project and its configuration; Label Studio, where it has one, goes first.

    Raises InvalidInputError for labels that cannot be, ConflictError for a project that was only
    adopted.
    """
    with context.database.read() as session:
        found = project_by_key(session, key)
    if found.label_studio_id is not None and found.writable_id is None:
        raise ConflictError(
            f"{key} was only adopted: add the label in Label Studio, or goldloop project connect"
        )
    config = config_with(found.label_config, names)
    if found.writable_id is not None:
        told = context.label_studio.update_project(found.writable_id, label_config=config)
        config = str(told["label_config"])  # as it keeps it
    with context.database.write() as session:
        held = locked_project(session, found.id)
        record(
            session, by, "labels.add", project_id=held.id, subject=key, after={"labels": [*names]}
        )
        if held.label_config == config:
            return list(names)  # Label Studio's own news of it was quicker
        if held.label_config != found.label_config:
            raise ConflictError(f"the configuration of {key} was changed meanwhile: try again")
        take_config(session, held, config)
    return list(names)
