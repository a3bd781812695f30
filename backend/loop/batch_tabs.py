"""A tab in Label Studio's Data Manager for each batch that is new or has open tasks."""

import logging

from backend.context import Context
from backend.db import batches
from backend.db.tables import Project
from backend.db.tables_of_selection import Batch
from backend.errors import LabelStudioError

NEWEST = 10  # batches that keep their tab though all is answered: a project of years has thousands

log = logging.getLogger(__name__)


def show_batches(context: Context, project: Project) -> int:
    """Give batches their tabs, and take those of old ones without an open task away.

    Returns how many were made. The lease of the project's tasks must be held. A tab is a
    convenience: what Label Studio refuses is logged, and tried again with the next batch.
    """
    if project.writable_id is None:
        return 0
    with context.database.read() as session:
        newest = [one.batch for one in batches.newest_batches(session, project.id, NEWEST)]
        shown = batches.batches_with_tabs(session, project.id)
        kept = batches.with_open_tasks(session, [batch.id for batch in shown])
    kept |= {batch.id for batch in newest}
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
