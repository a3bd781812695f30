"""Follow a labelling configuration that a curator changed in Label Studio.

What annotators see is the authority on labels: an annotation with a label that was added there
must not be cleaned away here. A label that was removed there stays in the project's list, because
earlier gold may hold it; `clean` reads annotations by the configuration alone.
"""

from typing import Any

from sqlalchemy.orm import Session

from backend.db.tables import Project
from backend.db.versions import locked_project
from ml_backend.contract.label_studio import LabelConfigError, parse_label_config


def follow_config(session: Session, project: Project, told: Any) -> str:
    """Take over the configuration of a Label Studio project's JSON; what was done, in words."""
    config = told.get("label_config") if isinstance(told, dict) else None
    if not isinstance(config, str) or config == project.label_config:
        return ""
    try:
        control = parse_label_config(config)
    except LabelConfigError as error:
        return f"the configuration in Label Studio is not usable and was not taken over: {error}"
    held = locked_project(session, project.id)
    added = [label for label in control.labels if label not in held.labels]
    held.label_config = config
    held.labels = [*held.labels, *added]
    return f"configuration taken over; new labels: {', '.join(added) or 'none'}"
