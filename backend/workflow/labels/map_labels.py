"""Rename, merge and restore labels: each makes a new version of the project's mapping.

Nothing is rewritten: gold keeps the labels that people gave, and the next training and the next
release see the newest mapping.
"""

from sqlalchemy.orm import Session

from backend.db.audit_log import record
from backend.db.label_mappings import mapping_by_number, newest_mapping
from backend.db.tables import Project
from backend.db.tables_of_labels import LabelMapping
from backend.errors import ConflictError, NotFoundError
from backend.workflow.labels.label_map import LabelMap
from backend.workflow.labels.label_rules import map_of


def rename(
    session: Session, project: Project, label: str, name: str, *, by: str, reason: str = ""
) -> LabelMapping:
    """Give a label another name; the project must be held.

    Raises NotFoundError for a label that there is not, InvalidInputError for a name that cannot be.
    """
    mapping = map_of(session, project.id)
    _check_there(project, mapping, label)
    return keep(session, project, mapping.rename(label, name), by=by, reason=reason)


def merge(
    session: Session, project: Project, label: str, into: str, *, by: str, reason: str = ""
) -> LabelMapping:
    """Make a label a part of another, be it a new one; errors as of `rename`."""
    mapping = map_of(session, project.id)
    _check_there(project, mapping, label)
    return keep(session, project, mapping.merge(label, into), by=by, reason=reason)


def restore(
    session: Session, project: Project, number: int, *, by: str, reason: str = ""
) -> LabelMapping:
    """Put an earlier mapping in force again, as a new version; 0 is the one of nothing mapped.

    Raises NotFoundError, or ConflictError when it is the one in force.
    """
    earlier = LabelMap()
    if number:
        row = mapping_by_number(session, project.id, number)
        earlier = LabelMap(row.mapping, row.names)
    if earlier == map_of(session, project.id):
        raise ConflictError(f"mapping {number} is what is in force")
    said = reason or f"mapping {number} again"
    return keep(session, project, earlier, by=by, reason=said)


def keep(
    session: Session, project: Project, mapping: LabelMap, *, by: str, reason: str
) -> LabelMapping:
    """Make a mapping the newest version; the project must be held."""
    before = newest_mapping(session, project.id)
    row = LabelMapping(
        project_id=project.id,
        number=before.number + 1 if before is not None else 1,
        mapping=dict(mapping.targets),
        names=dict(mapping.names),
        made_by=by[:254],
        reason=reason,
    )
    session.add(row)
    session.flush()
    record(
        session,
        row.made_by,
        "labels.map",
        project_id=project.id,
        subject=f"mapping {row.number}",
        before=dict(before.mapping) if before is not None else {},
        after=row.mapping,
    )
    return row


def _check_there(project: Project, mapping: LabelMap, label: str) -> None:
    if label not in project.labels and label not in mapping.targets.values():
        raise NotFoundError("label", label)
