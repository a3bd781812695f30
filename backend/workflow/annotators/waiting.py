"""Shared documents that wait for somebody who does not come: settled with what has been said."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from backend.db.annotations import current_states_of
from backend.db.audit_log import record
from backend.db.pool import documents
from backend.db.sharing import drawn
from backend.db.tables import AnnotationStatus, Project
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.workflow.annotators.sharing import speakers
from backend.workflow.gold.settle import settle

MOST = 20  # annotators of a document, as in the settings


def ask_no_more(session: Session, project: Project, ids: Sequence[int], by: str) -> dict[int, int]:
    """Let what has been said of waiting documents be enough; how many each had waited for.

    Label Studio still offers their tasks: who answers later is heard. `project` must be held.
    Raises ConflictError when none of the documents waits.
    """
    states = current_states_of(session, ids)
    settled: dict[int, int] = {}
    for number, row in drawn(session, ids).items():
        live = [s for s in states.get(number, ()) if s.status != AnnotationStatus.DELETED]
        spoken = len(speakers(live))
        if row.project_id == project.id and 0 < spoken < row.annotators:
            settled[number], row.annotators = row.annotators, spoken
    if not settled:
        raise ConflictError("no document waits for another annotator any more")
    _settle(session, project, settled)
    record(
        session,
        by,
        "sharing.settle",
        project_id=project.id,
        after={"documents": len(settled)},
    )
    return settled


def ask_again(session: Session, project: Project, wanted: Mapping[int, int], by: str) -> int:
    """Let documents wait for so many annotators again; how many documents do.

    `project` must be held. Raises NotFoundError for one that is not shared, and
    InvalidInputError for more annotators than MOST.
    """
    rows = drawn(session, wanted)
    for number, annotators in wanted.items():
        row = rows.get(number)
        if annotators > MOST:
            raise InvalidInputError(f"{annotators} annotators are more than {MOST}")
        if row is None or row.project_id != project.id:
            raise NotFoundError("shared document", number)
        if annotators > row.annotators:
            row.annotators, row.told_task_id = annotators, None
    _settle(session, project, wanted)
    record(session, by, "sharing.wait", project_id=project.id, after={"documents": len(wanted)})
    return len(wanted)


def _settle(session: Session, project: Project, ids: Mapping[int, int]) -> None:
    session.flush()
    for document in documents(session, list(ids)).values():
        settle(session, project, document)
