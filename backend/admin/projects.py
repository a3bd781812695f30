"""The list of projects: how far each has come, at a glance."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from backend.admin.document_bar import document_bar
from backend.admin.figures import version_figures
from backend.admin.opened import opened
from backend.db.document_counts import count_documents
from backend.db.overview import champions, changed_by_project
from backend.db.projects import all_projects, settings_of
from backend.db.versions import run_of_version

projects_page = Blueprint("projects", __name__)


@projects_page.get("/")
def projects() -> ResponseReturnValue:
    """A card for each project."""
    with opened().database.read() as session:
        found = all_projects(session)
        counts = count_documents(session, [project.id for project in found])
        changed = changed_by_project(session, found)
        cards = []
        served = champions(session, found)
        for project in found:
            champion = served.get(project.id)
            run = run_of_version(session, champion.id) if champion else None
            cards.append(
                {
                    "project": project,
                    "documents": counts[project.id],
                    "bar": document_bar(counts[project.id]),
                    "champion": champion,
                    "figures": version_figures(champion, run) if champion else None,
                    "changed": changed[project.id],
                    "threshold": settings_of(project).retrain_threshold,
                }
            )
    return render_template("projects.html", cards=cards)
