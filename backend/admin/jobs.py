"""The page of a project's jobs: what runs, waits and failed, and whether anybody works."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from redis.exceptions import RedisError
from sqlalchemy.orm import Session

from backend.admin.job_titles import TitledJob, jobs_of_project
from backend.admin.opened import asked_by, opened
from backend.admin.running import RunningJob, running_publication, running_training
from backend.admin.services import service_states
from backend.clients.queue_jobs import AliveWorker, QueuedJob
from backend.db import autolabels, versions
from backend.db.audit_log import record
from backend.db.projects import project_by_key
from backend.db.runs import active_run, ended_badly
from backend.db.tables import Project, Version
from backend.errors import ConflictError, GoldloopError, NotFoundError
from backend.loop import autolabel

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


@jobs_page.post("/cancel")
def cancel(key: str) -> ResponseReturnValue:
    """Take a waiting job out of its queue."""
    return _move(key, "cancel")


@jobs_page.post("/retry")
def retry(key: str) -> ResponseReturnValue:
    """Put a failed job into its queue again."""
    return _move(key, "retry")


@jobs_page.post("/cancel-autolabel")
def cancel_autolabel(key: str) -> ResponseReturnValue:
    """End the autolabel run that is under way; what is done stays done."""
    autolabel.cancel(opened(), key, asked_by())
    return _answer(key, _("The autolabel run is cancelled; what is done stays done."), "done")


@jobs_page.errorhandler(GoldloopError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    if isinstance(error, NotFoundError) and error.kind == "project":
        raise error
    sentence = f"{error}."
    return _answer(request.view_args["key"], sentence[:1].upper() + sentence[1:], "error")


@jobs_page.errorhandler(RedisError)
def _down(error: RedisError) -> ResponseReturnValue:
    assert request.view_args is not None
    sentence = _("Redis does not answer now: nothing was changed.")
    return _answer(request.view_args["key"], sentence, "error")


def _move(key: str, action: str) -> ResponseReturnValue:
    job_id = request.form.get("job", "")
    queue = opened().queue.jobs
    job = queue.job(job_id)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        if job is None or not jobs_of_project(session, project, [job]):
            raise NotFoundError("job", job_id)
    if not (queue.cancel(job_id) if action == "cancel" else queue.retry(job_id)):
        raise ConflictError(f"the job has moved on meanwhile: it was not to be {_DONE[action]}")
    with opened().database.write() as session:
        record(session, asked_by(), f"job.{action}", project_id=project.id, subject=job.job)
    sentences = {
        "cancel": _("The job is taken out of its queue; what is still due is asked for again."),
        "retry": _("The job waits in its queue again."),
    }
    return _answer(key, sentences[action], "done")


_DONE = {"cancel": "cancelled", "retry": "tried again"}


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


def _answer(key: str, sentence: str, kind: str) -> ResponseReturnValue:
    flash(sentence, kind)
    return redirect(url_for("jobs.show", key=key), code=303)
