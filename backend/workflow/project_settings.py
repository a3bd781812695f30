"""Change what a curator sets for a project: all of it or nothing, and in the audit log."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from backend.db.audit_log import record
from backend.db.projects import settings_of
from backend.db.tables import Project
from backend.settings import ProjectSettings
from backend.workflow.strategies.mixtures import check_mixture

TRAINING = "training."  # before the name of one of the trainer's options


def change_settings(
    session: Session, project: Project, wanted: Mapping[str, Any], *, by: str
) -> dict[str, tuple[Any, Any]]:
    """Set what is named; what changed, from what to what. The project must be held.

    Raises pydantic's ValidationError, which names each value that cannot be, and
    InvalidInputError for a strategy that there is not.
    """
    before = settings_of(project).model_dump()
    settings = ProjectSettings.model_validate({**before, **wanted})
    check_mixture(settings.selection)
    project.settings = settings.model_dump()
    old, new = _flat(before), _flat(project.settings)
    changes = {
        name: (old.get(name, "not set"), new.get(name, "not set"))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }
    if changes:
        record(
            session,
            by,
            "settings.change",
            project_id=project.id,
            subject=project.key,
            before={name: was for name, (was, _) in changes.items()},
            after={name: is_now for name, (_, is_now) in changes.items()},
        )
    return changes


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in settings.items() if name != "training"}
    return plain | {TRAINING + name: value for name, value in settings["training"].items()}
