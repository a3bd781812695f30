"""The page of a project's jobs: what runs, waits and failed, and whether anybody works."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from backend.admin.project.running import RunningJob, running_publication, running_training
from backend.admin.words.job_titles import TitledJob, jobs_of_project
from backend.clients.queue_jobs import AliveWorker, QueuedJob
from backend.db import autolabels, versions
from backend.db.projects import project_by_key
from backend.db.runs import active_run, ended_badly
from backend.db.tables import Project, Version
from backend.opened import opened, service_states

POLL_BUSY, POLL_IDLE = 2000, 5000  # milliseconds between two looks
FAILED_RUNS = 10  # shown

jobs_page = Blueprint("jobs", __name__, url_prefix="/projects/<key>/jobs")


@jobs_page.get("")
def show(key: str) -> ResponseReturnValue:
    """Everything under way for a project."""
    return render_template("jobs.html", **_shown(key))


@jobs_page.get("/live")
def live(key: str) -> ResponseReturnValue:
    """The part of the page that moves, for the script that polls it."""
    return render_template("_jobs_live.html", **_shown(key))


def _shown(key: str) -> dict[str, object]:
    jobs: list[QueuedJob] = []
    workers: list[AliveWorker] = []
    try:
        jobs, workers, redis = opened().queue.jobs.jobs(), opened().queue.jobs.workers(), True
    except RedisError:
        redis = False
    with opened().database.read() as session:
        project = project_by_key(session, key)
        titled = jobs_of_project(session, project, jobs)
        under_way = _under_way(session, project)
        bad = ended_badly(session, project.id, FAILED_RUNS)
        labelling = autolabels.active_run(session, project.id)
    by_state: dict[str, list[TitledJob]] = {"running": [], "queued": [], "failed": []}
    for one in titled:
        by_state[one.job.state].append(one)
    busy = under_way or labelling or by_state["running"] or by_state["queued"]
    return {
        "project": project,
        "jobs": under_way,
        "labelling": labelling,
        "running": by_state["running"],
        "queued": by_state["queued"],
        "failed": by_state["failed"],
        "bad_runs": bad,
        "workers": workers,
        "redis": redis,
        "services": service_states(),
        "poll": POLL_BUSY if busy else POLL_IDLE,
    }


def _under_way(session: Session, project: Project) -> list[RunningJob]:
    found = []
    run = active_run(session, project.id)
    if run is not None:
        found.append(running_training(run))
    publication = versions.active_publication(session, project.id)
    if publication is not None:
        version = session.get_one(Version, publication.version_id)
        found.append(running_publication(publication, version.name))
    return found
