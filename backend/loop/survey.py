"""Surveys, one project at a time: when something is new, and not more often than they are worth."""

import logging
import time
from datetime import timedelta

from backend.db.leases import lease
from backend.db.session import Database
from backend.db.surveys import last_survey, replace_findings, survey_mark
from backend.db.tables import Project, now
from backend.db.tables_of_surveys import Survey
from backend.workflow.projects import survey as stage

log = logging.getLogger(__name__)

PAUSE = 60.0  # seconds between two surveys, at least …
SHARE = 20  # … and this many times what the last one took
LONGEST = 900.0  # seconds after which one who takes a survey is thought dead


def survey_due(database: Database, project_id: int) -> bool:
    """Whether there may be something new to find, and the last survey is old enough."""
    with database.read() as session:
        last = last_survey(session, project_id)
        if last is not None:
            pause = timedelta(seconds=max(PAUSE, SHARE * last.seconds))
            if now() < last.made_at + pause:
                return False
        mark = survey_mark(session, session.get_one(Project, project_id))
    return mark != last.mark if last is not None else True


def take_survey(database: Database, project_id: int) -> bool:
    """Look at everything and keep what was found; False while another process does.

    What is decided meanwhile is open again until the next survey, which its gold calls for.
    """
    with lease(database, f"survey-{project_id}", LONGEST) as held:
        if held is None:
            return False
        began = time.monotonic()
        with database.read() as session:
            project = session.get_one(Project, project_id)
            mark, found = survey_mark(session, project), stage.survey(session, project)
        for kind, findings in found.findings.items():
            with database.write() as session:
                replace_findings(session, project_id, kind, findings)
        seconds = time.monotonic() - began
        made = Survey(project_id=project_id, mark=mark, figures=found.figures, seconds=seconds)
        made.made_at = now()
        with database.write() as session:
            session.merge(made)
    log.info("event=surveyed project=%d seconds=%.1f", project_id, seconds)
    return True
