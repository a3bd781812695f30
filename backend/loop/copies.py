"""The copies set aside follow the gold of the document that they are copies of."""

import logging
import time

from backend.db.session import Database
from backend.db.versions import locked_project
from backend.workflow.autolabel import label_copies

log = logging.getLogger(__name__)


def label_all_copies(database: Database, project_id: int) -> int:
    """Bring every copy of a project up to date, chunk by chunk; how many changed."""
    changed = 0
    while True:
        began = time.monotonic()
        with database.write() as session:
            found = label_copies(session, locked_project(session, project_id))
        if not found:
            break
        changed += found
        database.give_way(time.monotonic() - began)
    if changed:
        log.info("event=copies_labelled project=%d copies=%d", project_id, changed)
    return changed
