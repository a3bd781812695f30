"""The strings that gold holds are read chunk by chunk, by one process at a time."""

import logging

from backend.db import mentions
from backend.db.leases import lease
from backend.db.session import Database
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.workflow.evidence.mentions import read_gold

log = logging.getLogger(__name__)


def is_wanted(database: Database, project_id: int) -> bool:
    """Whether gold has changed since it was read."""
    with database.read() as session:
        return mentions.is_behind(session, session.get_one(Project, project_id))


def read_all(database: Database, project_id: int) -> int:
    """Read all gold that is new; how many documents there were."""
    done = 0
    with lease(database, f"mentions-{project_id}") as held:
        while held is not None:
            held.renew()
            with database.write() as session:
                read = read_gold(session, locked_project(session, project_id))
            if not read:
                break
            done += read
    if done:
        log.info("event=mentions_read project=%d documents=%d", project_id, done)
    return done
