"""Change what a curator sets for a project: all of it or nothing, in the audit log, and undone."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from backend.db.audit_log import record
from backend.db.projects import settings_of
from backend.db.tables import Project
from backend.db.tables_of_access import AuditEntry
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.settings import ProjectSettings
from backend.workflow.strategies.mixtures import check_mixture
from ml_backend.contract.training_config import TrainingConfig, TrainingConfigError

TRAINING = "training."  # before the name of one of the trainer's options
NOT_SET = "not set"  # of an option of the trainer, in the audit log


def change_settings(
    session: Session, project: Project, wanted: Mapping[str, Any], *, by: str
) -> AuditEntry | None:
    """Set what is named; the log's entry of what changed, None for nothing. The project is held.

    Raises pydantic's ValidationError, which names each value that cannot be, and
    InvalidInputError for a strategy that there is not and for options of the trainer that cannot
    be. Such options may be taken away one by one where they were set before.
    """
    before = settings_of(project).model_dump()
    settings = ProjectSettings.model_validate({**before, **wanted})
    check_mixture(settings.selection)
    if not settings.training.items() <= before["training"].items():
        _check(settings.training)
    project.settings = settings.model_dump()
    old, new = _flat(before), _flat(project.settings)
    names = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    if not names:
        return None
    return record(
        session,
        by,
        "settings.change",
        project_id=project.id,
        subject=project.key,
        before={name: old.get(name, NOT_SET) for name in names},
        after={name: new.get(name, NOT_SET) for name in names},
    )


def _check(training: Mapping[str, Any]) -> None:
    try:
        TrainingConfig.from_dict(dict(training))
    except TrainingConfigError as error:
        raise InvalidInputError(str(error)) from None


def undo_settings(session: Session, project: Project, change: int, *, by: str) -> AuditEntry | None:
    """Take an entry of the log back, by its id; returns as above. The project is held.

    Raises NotFoundError for what is no change of its settings, ConflictError when one of them has
    been changed since.
    """
    entry = session.get(AuditEntry, change)
    if entry is None or (entry.project_id, entry.action) != (project.id, "settings.change"):
        raise NotFoundError("change of settings", change)
    now = settings_of(project).model_dump()
    is_now = _flat(now)
    if any(is_now.get(name, NOT_SET) != its for name, its in entry.after.items()):
        raise ConflictError("the settings have been changed since: look what they are now")
    wanted: dict[str, Any] = {"training": dict(now["training"])}
    for name, its in entry.before.items():
        if not name.startswith(TRAINING):
            wanted[name] = its
        elif its == NOT_SET:
            del wanted["training"][name.removeprefix(TRAINING)]
        else:
            wanted["training"][name.removeprefix(TRAINING)] = its
    return change_settings(session, project, wanted, by=by)


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in settings.items() if name != "training"}
    return plain | {TRAINING + name: value for name, value in settings["training"].items()}
