"""The page of one project, its live part, and the download of its gold."""

from flask import Blueprint, Response, render_template
from flask.typing import ResponseReturnValue

from backend.admin.charts.document_bar import document_bar
from backend.admin.frame.permissions import allowed
from backend.admin.project.attention import attention
from backend.admin.project.data_path import data_path
from backend.admin.project.next_step import annotators_step, next_step
from backend.admin.project.running import RunningJob, running_publication, running_training
from backend.db.overview import ProjectOverview, may_roll_back_to, project_overview
from backend.db.projects import project_by_key
from backend.loop.gold_lines import gold_lines
from backend.opened import opened, service_states
from backend.workflow.projects.path_figures import path_figures
from backend.workflow.versions.figures import version_figures

POLL_BUSY, POLL_IDLE = 1500, 5000  # milliseconds between two looks

project_page = Blueprint("project", __name__)


@project_page.get("/projects/<key>")
def project(key: str) -> ResponseReturnValue:
    """Everything about one project on one page."""
    return render_template("project.html", **_shown(key))


@project_page.get("/projects/<key>/live")
def live(key: str) -> ResponseReturnValue:
    """The part of the page that moves, for the script that polls it."""
    return render_template("_live.html", **_shown(key))


@project_page.get("/projects/<key>/gold.jsonl")
def export(key: str) -> ResponseReturnValue:
    """Download the gold, verified line by line; no transaction outlives a page of it."""
    return Response(
        gold_lines(opened().database, key),
        mimetype="application/x-ndjson",
        headers={"Content-Disposition": f'attachment; filename="{key}-gold.jsonl"'},
    )


def _shown(key: str) -> dict[str, object]:
    context = opened()
    with context.database.read() as session:
        overview = project_overview(session, project_by_key(session, key))
        counted = path_figures(session, overview.project)
    services = service_states()
    jobs = _jobs(overview)
    champion = overview.champion
    scores = version_figures(champion, overview.champion_run) if champion else None
    needed = attention(overview, counted, services)
    runs = {run.version_id: run for run in overview.runs if run.version_id is not None}
    return {
        "overview": overview,
        "project": overview.project,
        "documents": overview.documents,
        "bar": document_bar(overview.documents),
        "next": (next_step if allowed("actions.retrain") else annotators_step)(overview),
        "attention": [one for one in needed if not one.stage],
        "path": data_path(overview, counted, scores, needed),
        "jobs": jobs,
        "champion": champion,
        "figures": scores,
        "judged": overview.judged_run,
        "waiting": overview.waiting_run,
        "versions": [
            (
                version,
                version_figures(version, runs.get(version.id)),
                may_roll_back_to(version, overview.project),
            )
            for version in overview.versions
        ],
        "services": services,
        "label_studio": _label_studio_address(overview),
        "poll": POLL_BUSY if jobs or overview.inbox.waiting else POLL_IDLE,
    }


def _jobs(overview: ProjectOverview) -> list[RunningJob]:
    jobs = []
    if overview.active_run is not None:
        jobs.append(running_training(overview.active_run))
    if overview.publishing is not None:
        version = overview.version_of(overview.publishing.version_id)
        jobs.append(running_publication(overview.publishing, version.name if version else ""))
    return jobs


def _label_studio_address(overview: ProjectOverview) -> str | None:
    settings = opened().settings
    address = settings.label_studio_public_url or settings.label_studio_url
    if not address or overview.project.label_studio_id is None:
        return None
    return f"{address}/projects/{overview.project.label_studio_id}/data"
