"""The page of a project's annotators; who is one sees their own figures and open tasks."""

import threading

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session

from backend.admin.opened import opened
from backend.admin.permissions import may
from backend.db import annotator_figures as queries
from backend.db import pool
from backend.db.members import members
from backend.db.projects import project_by_key
from backend.db.tables import Role
from backend.workflow.annotators import NEWEST, AnnotatorFigures, annotator_figures

KEPT = "goldloop.annotators"

annotators_page = Blueprint("annotators", __name__, url_prefix="/projects/<key>/annotators")
_counting = threading.Lock()


@annotators_page.get("")
def show(key: str) -> ResponseReturnValue:
    """Speed, edits, acceptance and agreement: of everybody for a curator, else one's own."""
    everybody = may(current_user.role, Role.CURATOR)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        figures = _figures(session, project.id)
        accounts = queries.people(session, [one.account_id for one in figures.people])
        shown = [
            one for one in figures.people if everybody or one.account_id == current_user.account_id
        ]
        idle = [
            member.account
            for member in (members(session, project.id) if everybody else ())
            if member.account.id not in accounts
        ]
        open_tasks = pool.open_count(session, project.id)
    settings = opened().settings
    address = settings.label_studio_public_url or settings.label_studio_url
    number = project.label_studio_id
    return render_template(
        "annotators.html",
        project=project,
        figures=figures,
        shown=shown,
        accounts=accounts,
        idle=idle,
        everybody=everybody,
        open_tasks=open_tasks,
        newest=NEWEST,
        label_studio=f"{address}/projects/{number}/data" if address and number else None,
    )


def _figures(session: Session, project_id: int) -> AnnotatorFigures:
    """The figures as of the newest annotation: counted once for it, and kept."""
    kept = current_app.extensions.setdefault(KEPT, {})
    newest = queries.newest_state(session, project_id)
    found = kept.get(project_id)
    if found is None or found[0] != newest:
        with _counting:
            found = kept.get(project_id)
            if found is None or found[0] != newest:
                found = kept[project_id] = (newest, annotator_figures(session, project_id))
    figures = found[1]
    assert isinstance(figures, AnnotatorFigures)
    return figures
