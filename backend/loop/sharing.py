"""Tell Label Studio of the tasks that several people are to answer."""

import logging

from backend.context import Context
from backend.db import sharing
from backend.db.leases import Held
from backend.db.tables import Project

TOLD_AT_ONCE = 100  # requests between two commits and renewals of the lease

log = logging.getLogger(__name__)


def ask_for_several(context: Context, held: Held, project_id: int) -> int:
    """Have each shared task answered by as many as are asked; how many were told of.

    Tasks are imported for one person each, so this follows their import, and may run again.
    """
    with context.database.read() as session:
        if session.get_one(Project, project_id).writable_id is None:
            return 0
    told = 0
    while True:
        with context.database.read() as session:
            waiting = sharing.untold(session, project_id, TOLD_AT_ONCE)
        if not waiting:
            break
        held.renew()
        for one in waiting:  # of one that is gone there is nothing to say: reconciliation finds it
            context.label_studio.ask_several(one.task_id, one.annotators)
        tasks = {one.document_id: one.task_id for one in waiting}
        with context.database.write() as session:
            for number, row in sharing.drawn(session, tasks).items():
                row.told_task_id = tasks[number]
        told += len(waiting)
    if told:
        log.info("event=shared project=%d tasks=%d", project_id, told)
    return told
