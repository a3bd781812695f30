"""What a curator can do to a project's jobs: take a waiting one out, try a failed one again."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from redis.exceptions import RedisError

from backend.admin.frame.asking import asked_by
from backend.admin.words.job_titles import jobs_of_project
from backend.admin.words.told import sentence_of
from backend.db.projects import project_by_key
from backend.errors import GoldloopError, NotFoundError
from backend.loop import autolabel
from backend.loop.queued_jobs import Action, move
from backend.opened import opened

job_actions = Blueprint("job_actions", __name__, url_prefix="/projects/<key>/jobs")


@job_actions.post("/cancel")
def cancel(key: str) -> ResponseReturnValue:
    """Take a waiting job out of its queue."""
    return _move(key, "cancel")


@job_actions.post("/retry")
def retry(key: str) -> ResponseReturnValue:
    """Put a failed job into its queue again."""
    return _move(key, "retry")


@job_actions.post("/cancel-autolabel")
def cancel_autolabel(key: str) -> ResponseReturnValue:
    """End the autolabel run that is under way; what is done stays done."""
    autolabel.cancel(opened(), key, asked_by())
    return _answer(key, _("The autolabel run is cancelled; what is done stays done."), "done")


@job_actions.errorhandler(GoldloopError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    return _answer(request.view_args["key"], sentence_of(error), "error")


@job_actions.errorhandler(RedisError)
def _down(error: RedisError) -> ResponseReturnValue:
    assert request.view_args is not None
    sentence = _("Redis does not answer now: nothing was changed.")
    return _answer(request.view_args["key"], sentence, "error")


def _move(key: str, action: Action) -> ResponseReturnValue:
    job_id = request.form.get("job", "")
    job = opened().queue.jobs.job(job_id)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        if job is None or not jobs_of_project(session, project, [job]):
            raise NotFoundError("job", job_id)
    move(opened(), job_id, action, asked_by(), project_id=project.id)
    sentences = {
        "cancel": _("The job is taken out of its queue; what is still due is asked for again."),
        "retry": _("The job waits in its queue again."),
    }
    return _answer(key, sentences[action], "done")


def _answer(key: str, sentence: str, kind: str) -> ResponseReturnValue:
    flash(sentence, kind)
    return redirect(url_for("jobs.show", key=key), code=303)
