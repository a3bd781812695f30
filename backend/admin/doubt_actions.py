"""What a curator does about doubtful gold: have it looked for, decide, undo."""

from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.doubts import asked_for, query_of
from backend.admin.opened import asked_by, opened
from backend.admin.told import sentence_of
from backend.admin.undo import flash_undo
from backend.db import doubts, versions
from backend.db.projects import project_by_key
from backend.db.tables import Document
from backend.db.tables_of_doubts import Doubt, DoubtDecision, DoubtVerdict
from backend.errors import GoldloopError, NotFoundError
from backend.loop import doubts as looking
from backend.loop.doubts_sent import send_back
from backend.workflow import doubts_decisions

doubt_actions = Blueprint("doubt_actions", __name__, url_prefix="/projects/<key>/errors/doubts")


@doubt_actions.post("")
def ask(key: str) -> ResponseReturnValue:
    """Have all gold looked through."""
    looking.ask(opened(), key, asked_by())
    flash(_("All gold is being looked through."), "done")
    return redirect(url_for("doubts.show", key=key), code=303)


@doubt_actions.post("/cancel")
def cancel(key: str) -> ResponseReturnValue:
    """Stop looking."""
    looking.cancel(opened(), key, asked_by())
    flash(_("The look was asked to stop."), "done")
    return redirect(url_for("doubts.show", key=key), code=303)


@doubt_actions.post("/<int:doubt_id>")
def decide(key: str, doubt_id: int) -> ResponseReturnValue:
    """Keep a curator's decision and go on to the next doubt."""
    form, wanted = request.form, asked_for()
    revision = form.get("revision", -1, type=int)
    verdict = form.get("verdict", "")
    if verdict not in set(DoubtVerdict):
        raise NotFoundError("decision", verdict)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = session.get(Doubt, doubt_id)
        rank = found.rank if found is not None else 0
    decision = _decide(project.id, doubt_id, revision, DoubtVerdict(verdict))
    with opened().database.read() as session:
        following = doubts.open_doubts(session, project.id, wanted, rank, 1)
        document = session.get_one(Document, decision.document_id)
    _tell(key, decision, may_undo=doubts_decisions.may_undo(document, decision))
    address = url_for("doubts.show", key=key)
    if following:
        address = url_for("doubts.doubt", key=key, doubt_id=following[0][0].id)
    query = urlencode(query_of(wanted))
    return redirect(f"{address}?{query}" if query else address, code=303)


@doubt_actions.post("/undo")
def undo(key: str) -> ResponseReturnValue:
    """Take a decision back and show its doubt again."""
    number = request.form.get("decision", -1, type=int)
    with opened().database.write() as session:
        project = versions.locked_project(session, project_by_key(session, key).id)
        decision = doubts_decisions.undo(session, project, number, asked_by())
        there = session.get(Doubt, decision.doubt_id) is not None
    flash(_("The decision is taken back."), "done")
    address = url_for("doubts.show", key=key)
    if there:
        address = url_for("doubts.doubt", key=key, doubt_id=decision.doubt_id)
    return redirect(address, code=303)


@doubt_actions.errorhandler(GoldloopError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    flash(sentence_of(error), "error")
    return redirect(url_for("doubts.show", key=request.view_args["key"]), code=303)


def _decide(project_id: int, doubt_id: int, revision: int, verdict: DoubtVerdict) -> DoubtDecision:
    if verdict == DoubtVerdict.SENT:
        return send_back(opened(), project_id, doubt_id, revision, asked_by())
    with opened().database.write() as session:
        project = versions.locked_project(session, project_id)
        if verdict == DoubtVerdict.GOLD:
            return doubts_decisions.uphold(session, project, doubt_id, revision, asked_by())
        return doubts_decisions.take(session, project, doubt_id, revision, asked_by())


def _tell(key: str, decision: DoubtDecision, *, may_undo: bool) -> None:
    sentence = {
        DoubtVerdict.GOLD: _("The gold is right: it is not asked about again while it stays."),
        DoubtVerdict.PROPOSAL: _("The proposal is gold now, of exact copies too."),
        DoubtVerdict.SENT: _("The document goes back to annotators."),
    }[DoubtVerdict(decision.verdict)]
    if may_undo:
        address = url_for("doubt_actions.undo", key=key)
        flash_undo(sentence, address, {"decision": str(decision.id)})
    else:
        flash(sentence, "done")
