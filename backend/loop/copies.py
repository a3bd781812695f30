"""The copies set aside follow the gold of the document that they are copies of."""

import logging

from backend.context import Context
from backend.db.versions import locked_project
from backend.workflow.autolabel import label_copies

log = logging.getLogger(__name__)


def follow(context: Context, project_id: int) -> int:
    """Bring every copy up to date, chunk by chunk; how many changed."""
    changed = 0
    while True:
        with context.database.write() as session:
            found = label_copies(session, locked_project(session, project_id))
        changed += found
        if not found:
            break
    if changed:
        log.info("event=copies_labelled project=%d copies=%d", project_id, changed)
    return changed
