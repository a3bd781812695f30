"""What a curator can do to a project: parse, call one stage, ring one job, answer."""

from pathlib import Path

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.frame.asking import asked_by
from backend.admin.frame.own_address import own_address
from backend.admin.project.training_choices import chosen_options
from backend.admin.words.told import sentence_of, told
from backend.db.audit_log import record
from backend.db.overview import may_roll_back_to
from backend.db.projects import project_by_key
from backend.db.runs import active_run
from backend.db.tables import Run, now
from backend.db.versions import locked_project, version_by_name
from backend.errors import ConflictError, GoldloopError, NotFoundError
from backend.loop.training import retry as training_again
from backend.opened import opened
from backend.workflow import publish
from backend.workflow import retrain as training
from ml_backend.contract.messages import DEFAULT_QUEUE, JobFolder

ADVANCE_RUN = "backend.jobs.advance_run"
SYNC = "backend.jobs.sync"
ADVANCE_PUBLICATION = "backend.jobs.advance_publication"

actions = Blueprint("actions", __name__, url_prefix="/projects/<key>")


@actions.post("/retrain")
def retrain(key: str) -> ResponseReturnValue:
    """Begin a training run, with the choices made for it; remember the wish while one is active."""
    options = chosen_options(request.form)
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        began = training.open_run(session, project, asked_by(), options)
    if began.run is None:
        return _answer(key, f"{told(began.sentence)}.", "note")
    return _ring(key, _("Training begins."), ADVANCE_RUN, began.run.id)


@actions.post("/retry")
def retry(key: str) -> ResponseReturnValue:
    """Run a failed or cancelled run's frozen snapshot again."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        run = session.get(Run, request.form.get("run", -1, type=int))
    if run is None or run.project_id != project.id:
        raise NotFoundError("run", request.form.get("run"))
    again = training_again(opened(), run.id, asked_by())
    return _answer(
        key,
        _("Run %(number)s trains on the snapshot of run %(again)s.", number=again.id, again=run.id),
        "done",
    )


@actions.post("/cancel")
def cancel(key: str) -> ResponseReturnValue:
    """Ask the active run to stop."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        run = active_run(session, project.id)
        if run is None:
            return _answer(key, _("No run is active any more."), "note")
        training.cancel(run, JobFolder(Path(run.folder)), now())
        subject = f"run {run.id}"
        record(session, asked_by(), "run.cancel", project_id=project.id, subject=subject)
    return _ring(key, _("The run is asked to stop."), ADVANCE_RUN, run.id)


@actions.post("/rollback")
def rollback(key: str) -> ResponseReturnValue:
    """Publish an earlier version again."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        version = version_by_name(session, project.id, request.form.get("version", ""))
        if not may_roll_back_to(version, project):
            raise ConflictError(f"{version.name} is {version.state}: it was not served before")
        if version.name not in opened().models.versions(key):
            raise NotFoundError("version in the model store", version.name)
        publication = publish.open_publication(session, project, version, asked_by())
    return _ring(
        key, _("Going back to %(name)s.", name=version.name), ADVANCE_PUBLICATION, publication.id
    )


@actions.post("/decide")
def decide(key: str) -> ResponseReturnValue:
    """Promote or refuse a challenger that the gate could not judge."""
    verdict, _colon, run_id = request.form.get("verdict", "").partition(":")
    if verdict not in ("promote", "refuse") or not run_id.isdecimal():
        raise NotFoundError("decision", request.form.get("verdict"))
    promote = verdict == "promote"
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        publication = publish.decide(
            session, project, int(run_id), promote_it=promote, asked_by=asked_by()
        )
    if not promote:
        return _answer(key, _("The challenger is refused; the champion stays."), "done")
    if publication is None:
        return _answer(
            key, _("Promoted; it is published when the present publication ends."), "done"
        )
    return _ring(key, _("Promoted; publishing begins."), ADVANCE_PUBLICATION, publication.id)


@actions.post("/reconcile")
def reconcile(key: str) -> ResponseReturnValue:
    """Compare the project with Label Studio now, instead of at the next time."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
    return _ring(key, _("The project is compared with Label Studio."), SYNC, project.id)


@actions.errorhandler(GoldloopError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    return _answer(request.view_args["key"], sentence_of(error), "error")


def _ring(key: str, sentence: str, job: str, number: int) -> ResponseReturnValue:
    if not opened().queue.ring(DEFAULT_QUEUE, job, number):
        lost = _("Redis does not answer now: it is noted and goes on when Redis is back.")
        return _answer(key, f"{sentence} {lost}", "note")
    return _answer(key, sentence, "done")


def _answer(key: str, sentence: str, kind: str) -> ResponseReturnValue:
    flash(sentence[:1].upper() + sentence[1:], kind)
    back = request.form.get("back")  # the page of ours that the form was on
    return redirect(own_address(back) if back else url_for("project.project", key=key), code=303)
