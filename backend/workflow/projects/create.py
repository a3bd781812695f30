"""Make a project from a key, a name and a Label Studio labelling configuration."""

from sqlalchemy.orm import Session

from backend.db.audit_log import record
from backend.db.projects import project_by_key
from backend.db.tables import Project
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from ml_backend.contract.label_studio import LabelConfigError, parse_label_config
from ml_backend.contract.model_store import KEY

LONGEST_NAME = 200


def create_project(
    session: Session, key: str, name: str, configuration: str, *, by: str
) -> Project:
    """Add a project; raises InvalidInputError for a bad key or configuration, or ConflictError."""
    check_key(key)
    try:
        control = parse_label_config(configuration)
    except LabelConfigError as error:
        raise InvalidInputError(str(error)) from error
    try:
        project_by_key(session, key)
    except NotFoundError:
        made = Project(
            key=key,
            name=name[:LONGEST_NAME],
            label_config=configuration,
            labels=list(control.labels),
            settings={},
        )
        session.add(made)
        session.flush()
        labels = {"labels": list(control.labels)}
        record(session, by, "project.create", project_id=made.id, subject=key, after=labels)
        return made
    raise ConflictError(f"there is a project {key!r} already")


def check_key(key: str) -> None:
    """Raise InvalidInputError for what cannot be a project's key."""
    if not KEY.fullmatch(key):
        raise InvalidInputError(
            f"{key!r} cannot be a project's key: lower-case letters, digits and hyphens, up to 63"
        )
