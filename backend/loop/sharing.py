"""Documents for several people and blind ones, as far as Label Studio has to do with them."""

import logging

from backend.context import Context
from backend.db import sharing
from backend.db.leases import Held
from backend.db.pool import chunks, documents
from backend.db.projects import settings_of
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.workflow.annotators.sharing import chosen, draw

TOLD_AT_ONCE = 100  # requests between two commits and renewals of the lease

log = logging.getLogger(__name__)


def draw_made(context: Context, project_id: int) -> int:
    """Let chance draw of the tasks that were made in Label Studio too; how many were looked at.

    Before they get pre-labels. Of those that would be drawn Label Studio is asked whether anybody
    can have opened them: they have an annotation, or a prediction that was made for their reader.
    """
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        if project.writable_id is None:
            return 0
        settings = settings_of(project)
        found = [
            one
            for one in sharing.undrawn(session, project_id)
            if any(chosen(settings, one.group_key))
        ]
    for chunk in chunks(found, TOLD_AT_ONCE):
        tasks = {
            one.id: context.label_studio.task(one.task_id, project=project.writable_id)
            for one in chunk
            if one.task_id is not None
        }
        opened = {
            number
            for number, task in tasks.items()
            if task is None or task["annotations"] or task["predictions"]
        }
        with context.database.write() as session:
            project = locked_project(session, project_id)
            there = documents(session, list(tasks)).values()
            draw(session, project, list(there), opened)
    return len(found)


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
