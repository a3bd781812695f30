"""What a curator changes of a project's labels at one time: the minimum support and the mapping.

Who changes them has seen a state of both. It is named, and when it is another by now nothing
happens: two curators do not undo each other's work unknowingly.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from backend.db.label_mappings import newest_mapping
from backend.db.projects import settings_of
from backend.db.tables import Project
from backend.errors import ConflictError, InvalidInputError
from backend.workflow.labels import map_labels
from backend.workflow.labels.what_if import Pairs
from backend.workflow.projects.settings import change_settings


@dataclass(frozen=True, slots=True)
class LabelState:
    """The number of the mapping in force, 0 for none, and the minimum support that is set."""

    mapping: int
    min_support: int | None


@dataclass(frozen=True, slots=True)
class LabelWish:
    """What is to change; `min_support` None leaves the minimum as it is."""

    min_support: int | None = None
    merges: Pairs = ()
    renames: Pairs = ()

    def __bool__(self) -> bool:
        return self.min_support is not None or bool(self.merges) or bool(self.renames)


def label_state(session: Session, project: Project) -> LabelState:
    """What is in force now."""
    newest = newest_mapping(session, project.id)
    return LabelState(newest.number if newest else 0, settings_of(project).min_support)


def change_labels(
    session: Session,
    project: Project,
    wish: LabelWish,
    *,
    seen: LabelState,
    by: str,
    reason: str = "",
) -> LabelState:
    """Do all of it, merges before new names; the state after it. The project must be held.

    Raises ConflictError when the state is not the one seen, InvalidInputError and NotFoundError for
    what cannot be.
    """
    before = _as_seen(session, project, seen)
    if not wish or wish == LabelWish(min_support=before.min_support):
        raise InvalidInputError("nothing would change")
    for label, into in wish.merges:
        map_labels.merge(session, project, label, into, by=by, reason=reason)
    for label, name in wish.renames:
        map_labels.rename(session, project, label, name, by=by, reason=reason)
    if wish.min_support is not None:
        change_settings(session, project, {"min_support": wish.min_support}, by=by)
    return label_state(session, project)


def restore_labels(
    session: Session, project: Project, to: LabelState, *, seen: LabelState, by: str
) -> LabelState:
    """Put an earlier state in force again; the mapping becomes a new version. Errors as above."""
    before = _as_seen(session, project, seen)
    if to.mapping != before.mapping:
        map_labels.restore(session, project, to.mapping, by=by)
    change_settings(session, project, {"min_support": to.min_support}, by=by)
    return label_state(session, project)


def _as_seen(session: Session, project: Project, seen: LabelState) -> LabelState:
    now = label_state(session, project)
    if now != seen:
        raise ConflictError(
            "somebody has changed the labels meanwhile: look again at what would change"
        )
    return now
