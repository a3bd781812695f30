"""What a curator does in the autolabel queue: parse, call one stage, ring one job, answer."""

from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from backend.admin.autolabels.autolabel import wanted_for
from backend.admin.autolabels.autolabel_list import seen_from
from backend.admin.frame.asking import asked_by
from backend.admin.frame.own_address import own_address
from backend.admin.frame.undo import flash_undo
from backend.admin.words.told import sentence_of
from backend.db import autolabel_queue, versions
from backend.db.projects import project_by_key
from backend.errors import ConflictError, GoldloopError, InvalidInputError
from backend.loop import autolabel
from backend.loop.autolabel_decisions import Decided, Decision, decide, take_back
from backend.opened import opened
from ml_backend.contract.messages import DEFAULT_QUEUE

MOST_AT_ONCE = 1000  # items that one click may decide about
START = "backend.jobs.start_autolabel"

autolabel_actions = Blueprint("autolabel_actions", __name__, url_prefix="/projects/<key>/autolabel")


@autolabel_actions.post("/accept")
def accept(key: str) -> ResponseReturnValue:
    """Make the entities of items gold."""
    return _decide(key, Decision.ACCEPT)


@autolabel_actions.post("/reject")
def reject(key: str) -> ResponseReturnValue:
    """Say that items are wrong."""
    return _decide(key, Decision.REJECT)


@autolabel_actions.post("/send")
def send(key: str) -> ResponseReturnValue:
    """Send documents to people in Label Studio."""
    return _decide(key, Decision.SEND)


@autolabel_actions.post("/undo")
def undo(key: str) -> ResponseReturnValue:
    """Take back what was decided."""
    first, last = (request.form.get(name, -1, type=int) for name in ("first", "last"))
    undone = take_back(opened(), key, first, last, asked_by())
    sentence = ngettext(
        "%(num)d item is as it was.", "%(num)d items are as they were.", undone.items
    )
    if undone.kept:
        sentence += " " + ngettext(
            "%(num)d stays: something has happened to it since.",
            "%(num)d stay: something has happened to them since.",
            undone.kept,
        )
    return _answer(key, sentence, "done" if undone.items else "note")


@autolabel_actions.post("/start")
def start(key: str) -> ResponseReturnValue:
    """Let the champion label what nobody has."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        if versions.champion(session, project) is None:
            raise ConflictError("no version is served yet: train one first")
    if not opened().queue.ring(DEFAULT_QUEUE, START, project.id, asked_by()):
        raise ConflictError("Redis does not answer now: try again when it is back")
    return _answer(key, _("The champion begins to label what nobody has."), "done")


@autolabel_actions.post("/run")
def run(key: str) -> ResponseReturnValue:
    """Pause, resume or cancel the run."""
    match request.form.get("do"):
        case "pause":
            autolabel.pause(opened(), key, asked_by())
            sentence = _("The run is paused.")
        case "resume":
            autolabel.resume(opened(), key, asked_by())
            sentence = _("The run goes on.")
        case "cancel":
            autolabel.cancel(opened(), key, asked_by())
            sentence = _("The run is cancelled.")
        case _other:
            raise InvalidInputError("say whether to pause, resume or cancel")
    return _answer(key, sentence, "done")


@autolabel_actions.errorhandler(GoldloopError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    return _answer(request.view_args["key"], sentence_of(error), "error")


def _decide(key: str, decision: Decision) -> ResponseReturnValue:
    if "count" in request.form:
        decided = decide(opened(), key, decision, _first_of_list(key), asked_by(), pass_over=True)
    else:
        seen = _ticked()
        decided = decide(opened(), key, decision, list(seen), asked_by(), seen=seen)
    if decided.first is None:
        return _answer(key, _("There is nothing to decide about in this list."), "note")
    back = {"first": str(decided.first), "last": str(decided.last), "back": _back(key)}
    sentence = _told(decision, decided)
    flash_undo(sentence, url_for("autolabel_actions.undo", key=key), back)
    return redirect(_back(key), code=303)


def _ticked() -> dict[int, datetime]:
    """The item whose button was pressed, or else those that are ticked."""
    values = request.form.getlist("one") or request.form.getlist("item")
    if not values:
        raise InvalidInputError("no item is ticked")
    try:
        return seen_from(values)
    except ValueError:
        raise InvalidInputError("items are named in a way that this page does not") from None


def _first_of_list(key: str) -> list[int]:
    """The first items of the list that the page showed."""
    count = request.form.get("count", 0, type=int)
    if not 1 <= count <= MOST_AT_ONCE:
        raise InvalidInputError(f"give a number from 1 to {MOST_AT_ONCE}")
    query = dict(parse_qsl(urlsplit(_back(key)).query))
    with opened().database.read() as session:
        project = project_by_key(session, key)
        promises = autolabel_queue.newest_promises(session, project.id, 1)
        wanted = wanted_for(project, promises[0] if promises else None, query)
        if wanted.audit is not None or wanted.state not in autolabel_queue.OPEN:
            raise ConflictError("these are decided about one by one")
        found = autolabel_queue.find(session, project.id, wanted, limit=count)
    return [row.document_id for row in found.rows]


def _told(decision: Decision, decided: Decided) -> str:
    number = decided.items
    sentence: str = {
        Decision.ACCEPT: ngettext(
            "%(num)d document is gold.", "%(num)d documents are gold.", number
        ),
        Decision.REJECT: ngettext(
            "%(num)d item is rejected.", "%(num)d items are rejected.", number
        ),
        Decision.SEND: ngettext(
            "%(num)d document goes to Label Studio.",
            "%(num)d documents go to Label Studio.",
            number,
        ),
    }[decision]
    if decided.stopped:
        sentence += " " + _("Then it stopped: %(reason)s", reason=sentence_of(decided.stopped))
    elif decided.passed_over:
        sentence += " " + ngettext(
            "%(num)d was left: only chance may choose it, or people have it.",
            "%(num)d were left: only chance may choose them, or people have them.",
            decided.passed_over,
        )
    return sentence


def _back(key: str) -> str:
    """The list that the form was sent from."""
    address = own_address(request.form.get("back", ""))
    here = url_for("autolabel.show", key=key)
    return address if address.split("?")[0] == here else here


def _answer(key: str, sentence: str, kind: str) -> ResponseReturnValue:
    flash(sentence, kind)
    return redirect(_back(key), code=303)
