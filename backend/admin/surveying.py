"""Asking for a survey from a page."""

from flask import flash, redirect
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.db.projects import project_by_key
from backend.opened import opened
from ml_backend.contract.messages import DEFAULT_QUEUE

SURVEY = "backend.jobs.survey"


def ask_for_survey(key: str, address: str) -> ResponseReturnValue:
    """Ring the survey of a project and go on to an address."""
    with opened().database.read() as session:
        project_id = project_by_key(session, key).id
    job_id = f"{SURVEY}-{project_id}"
    if opened().queue.ring(DEFAULT_QUEUE, SURVEY, project_id, job_id=job_id):
        flash(_("All gold is looked over again; this page shows what is found."), "done")
    else:
        flash(_("Redis does not answer now: it is done when Redis is back."), "note")
    return redirect(address, code=303)
