"""A tab in Label Studio's Data Manager for each of the newest batches."""

import logging

from backend.context import Context
from backend.db import batches
from backend.db.tables import Project
from backend.db.tables_of_selection import Batch
from backend.errors import LabelStudioError

NEWEST = 10  # batches that have a tab: a project of years has thousands

log = logging.getLogger(__name__)


def show_batches(context: Context, project: Project) -> int:
    """Give the newest batches their tabs and take those of older ones away; how many were made.

    The lease of the project's tasks must be held. A tab is a convenience: what Label Studio
    refuses is logged, and tried again with the next batch.
    """
    if project.writable_id is None:
        return 0
    with context.database.read() as session:
        newest = [one.batch for one in batches.newest_batches(session, project.id, NEWEST)]
        shown = batches.batches_with_tabs(session, project.id)
    kept = {batch.id for batch in newest}
    tabs = context.label_studio.tabs
    made = 0
    try:
        for batch in reversed(newest):
            if batch.tab_id is None:
                number = tabs.ensure_batch(project.writable_id, batch.id, f"Batch {batch.id}")
                _note(context, batch, number)
                made += 1
        for batch in shown:
            if batch.id not in kept and batch.tab_id is not None:
                tabs.delete(batch.tab_id)
                _note(context, batch, None)
    except LabelStudioError as error:
        log.warning("event=no_batch_tab project=%s reason=%r", project.key, str(error))
    return made


def _note(context: Context, batch: Batch, number: int | None) -> None:
    with context.database.write() as session:
        session.get_one(Batch, batch.id).tab_id = number
