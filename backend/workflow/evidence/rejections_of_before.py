"""Rejections made of annotations that are older than rejections: once for each project, in chunks.

What an annotation was compared with is our own copy of the prediction, as people were shown it.
"""

from sqlalchemy.orm import Session

from backend.db import pool
from backend.db.rejections import without_rejection
from backend.db.tables import Project
from backend.workflow.correct import changes
from backend.workflow.evidence import rejections
from backend.workflow.gold.record import own_copy
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import parse_label_config

CHUNK = 100  # annotations a transaction: others wait meanwhile


def make_rejections(session: Session, project: Project, limit: int = CHUNK) -> int:
    """Make those of the next annotations; how many were looked at, 0 when all are done.

    The project's row must be locked.
    """
    if project.rejections_after is None:
        return 0
    states = without_rejection(session, project.id, project.rejections_after, limit)
    control = parse_label_config(project.label_config)
    documents = pool.documents(session, [state.document_id for state in states])
    for state in states:
        document = documents[state.document_id]
        shown = own_copy(session, document, state.version_name, control)
        if shown is not None:
            said = [Entity.from_dict(one, length=len(document.text)) for one in state.entities]
            rejections.keep(session, state, document.text, changes(shown, said))
    project.rejections_after = states[-1].id if states else None
    session.flush()
    return len(states)
