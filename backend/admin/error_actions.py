"""What a curator decides where champion and gold differ: parse, call one stage, answer."""

from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.model_errors import asked_for, query_of
from backend.admin.opened import asked_by, opened
from backend.admin.told import sentence_of
from backend.admin.undo import flash_undo
from backend.db import differences, versions
from backend.db.differences import Place
from backend.db.projects import project_by_key
from backend.db.tables import Document
from backend.db.tables_of_errors import DifferingDocument, ErrorDecision, Verdict
from backend.errors import GoldloopError, NotFoundError
from backend.loop.compare_gold import COMPARE_GOLD
from backend.loop.send_back import send_back
from backend.workflow import error_decisions
from ml_backend.contract.messages import DEFAULT_QUEUE

error_actions = Blueprint("error_actions", __name__, url_prefix="/projects/<key>/errors")


@error_actions.post("/<int:document_id>")
def decide(key: str, document_id: int) -> ResponseReturnValue:
    """Keep a curator's decision and go on to the next document."""
    form, wanted = request.form, asked_for()
    revision = form.get("revision", -1, type=int)
    verdict = form.get("verdict", "")
    if verdict not in set(Verdict):
        raise NotFoundError("decision", verdict)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = session.get(DifferingDocument, document_id)
        place = Place(found.confidence, document_id) if found is not None else None
    if verdict == Verdict.SENT:
        decision = send_back(opened(), project.id, document_id, revision, asked_by())
    else:
        decision = _decide(project.id, document_id, revision, Verdict(verdict))
    with opened().database.read() as session:
        following = differences.differing(session, project.id, wanted, place, 1)
        may_undo = error_decisions.may_undo(session.get_one(Document, document_id), decision)
    _tell(key, decision, may_undo)
    if following:
        number = following[0][0].document_id
        address = url_for("model_errors.document", key=key, document_id=number)
    else:
        address = url_for("model_errors.show", key=key)
    query = urlencode(query_of(wanted))
    return redirect(f"{address}?{query}" if query else address, code=303)


@error_actions.post("/undo")
def undo(key: str) -> ResponseReturnValue:
    """Take a decision back and show its document again."""
    number = request.form.get("decision", -1, type=int)
    with opened().database.write() as session:
        project = versions.locked_project(session, project_by_key(session, key).id)
        decision = error_decisions.undo(session, project, number, asked_by())
    if decision.verdict == Verdict.MODEL:
        _ring(project.id)
        flash(_("The decision is taken back; its gold is compared again in a moment."), "done")
        return redirect(url_for("model_errors.show", key=key), code=303)
    flash(_("The decision is taken back."), "done")
    number = decision.document_id
    return redirect(url_for("model_errors.document", key=key, document_id=number), code=303)


@error_actions.post("/compare")
def compare(key: str) -> ResponseReturnValue:
    """Look now at what gold has changed since."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
    if _ring(project.id):
        flash(_("Gold is being compared with the champion."), "done")
    else:
        flash(_("Redis does not answer now: gold is compared when it is back."), "note")
    return redirect(url_for("model_errors.show", key=key), code=303)


@error_actions.errorhandler(GoldloopError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    flash(sentence_of(error), "error")
    return redirect(url_for("model_errors.show", key=request.view_args["key"]), code=303)


def _decide(project_id: int, document_id: int, revision: int, verdict: Verdict) -> ErrorDecision:
    with opened().database.write() as session:
        project = versions.locked_project(session, project_id)
        if verdict == Verdict.GOLD:
            return error_decisions.uphold_gold(session, project, document_id, revision, asked_by())
        return error_decisions.follow_model(session, project, document_id, revision, asked_by())


def _tell(key: str, decision: ErrorDecision, may_undo: bool) -> None:
    sentence = {
        Verdict.GOLD: _("The gold is right: this difference is not shown again."),
        Verdict.MODEL: _("The model is right: what it says is gold now, of exact copies too."),
        Verdict.SENT: _("The document goes back to annotators."),
    }[Verdict(decision.verdict)]
    if may_undo:
        address = url_for("error_actions.undo", key=key)
        flash_undo(sentence, address, {"decision": str(decision.id)})
    else:
        why_not = _("This cannot be undone here: its task is open in Label Studio again.")
        flash(f"{sentence} {why_not}", "done")


def _ring(project_id: int) -> bool:
    job_id = f"{COMPARE_GOLD}-{project_id}"
    return opened().queue.ring(DEFAULT_QUEUE, COMPARE_GOLD, project_id, job_id=job_id)
