"""Copies of a project: set aside, and given the gold of the documents that they are copies of.

It is asked for often and seldom finds anything: it looks first, and takes the turn to write only
when there is something to write.
"""

import logging

from backend.db.session import Database
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.workflow.autolabel import copies_behind, label_copies
from backend.workflow.dedupe import DedupeReport, dedupe, unsorted
from backend.workflow.duplicates.rekey import folding_wanted, rekey

log = logging.getLogger(__name__)


def sort_copies(database: Database, project_id: int) -> DedupeReport:
    """Set the copies among new documents aside, and bring every copy's gold up to date."""
    rekey_all(database, project_id)
    report = dedupe_all(database, project_id)
    label_all_copies(database, project_id)
    return report


def sort_new_copies(database: Database, project_id: int) -> DedupeReport:
    """The same without a look at every copy, unless gold or copies have changed since the last.

    For what is asked every few seconds: what else can change, the state of a copy's own task, is
    seen by the next `sort_copies`.
    """
    rekey_all(database, project_id)
    report = dedupe_all(database, project_id)
    with database.read() as session:
        project = session.get_one(Project, project_id)
        changed = project.copies_revision != project.gold_revision
    if changed:
        label_all_copies(database, project_id)
    return report


def rekey_all(database: Database, project_id: int) -> None:
    """Make the keys of all documents anew when the project has begun or ceased to fold case.

    Stopped on the way, it begins anew: what has its key already is only read.
    """
    while True:
        with database.read() as session:
            folded = folding_wanted(session, project_id)
        if folded is None:
            return
        after: int | None = 0
        with database.tidying() as tidy:
            while after is not None:
                with database.write() as session:
                    after = rekey(session, project_id, after, folded=folded)
                tidy()
        log.info("event=keys_made_anew project=%d folded=%s", project_id, folded)


def dedupe_all(database: Database, project_id: int) -> DedupeReport:
    """Set the copies among new documents aside, chunk by chunk."""
    with database.read() as session:
        if not unsorted(session, project_id):
            return DedupeReport()
    total, looked_at = DedupeReport(), True
    try:
        with database.tidying() as tidy:
            while looked_at:
                with database.write(hasty=True) as session:
                    found = dedupe(session, project_id)
                total, looked_at = total + found, found.looked_at > 0
                tidy()
    finally:
        database.settle()
    return total


def label_all_copies(database: Database, project_id: int) -> int:
    """Bring the gold of every copy up to date, chunk by chunk; how many changed."""
    changed = 0
    with database.tidying() as tidy:
        while True:
            with database.read() as session:
                project = session.get_one(Project, project_id)
                seen, told = project.gold_revision, project.copies_revision
                if not copies_behind(session, project_id):
                    break
            with database.write() as session:
                changed += label_copies(session, locked_project(session, project_id))
            tidy()
    if told != seen:
        with database.write() as session:
            project = locked_project(session, project_id)
            if project.copies_revision == told:
                project.copies_revision = seen
    if changed:
        log.info("event=copies_labelled project=%d copies=%d", project_id, changed)
    return changed
