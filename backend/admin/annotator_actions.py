"""What a curator does about shared documents that wait: take what is there, and undo it."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from backend.admin.frame.asking import asked_by
from backend.admin.frame.undo import flash_undo
from backend.admin.words.told import sentence_of
from backend.db.projects import project_by_key
from backend.db.versions import locked_project
from backend.errors import GoldloopError, InvalidInputError
from backend.opened import opened
from backend.workflow.annotators.waiting import ask_again, ask_no_more

MOST = 100  # documents at once: an offer of Undo must fit into the session's cookie

annotator_actions = Blueprint(
    "annotator_actions", __name__, url_prefix="/projects/<key>/annotators/waiting"
)


@annotator_actions.post("/settle")
def settle(key: str) -> ResponseReturnValue:
    """Wait no more for other annotators of these documents."""
    ids = [_number(one) for one in request.form.getlist("document")[:MOST]]
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        settled = ask_no_more(session, project, ids, asked_by())
    flash_undo(
        ngettext(
            "What was said of %(num)d document is enough now.",
            "What was said of %(num)d documents is enough now.",
            len(settled),
        ),
        url_for("annotator_actions.undo", key=key),
        {"documents": " ".join(f"{number}:{people}" for number, people in settled.items())},
    )
    return redirect(url_for("annotators.agreement", key=key), code=303)


@annotator_actions.post("/undo")
def undo(key: str) -> ResponseReturnValue:
    """Wait for them again."""
    pairs = [one.partition(":") for one in request.form.get("documents", "").split()[:MOST]]
    wanted = {_number(number): _number(people) for number, _colon, people in pairs}
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        ask_again(session, project, wanted, asked_by())
    flash(_("They wait for another annotator again."), "done")
    return redirect(url_for("annotators.agreement", key=key), code=303)


@annotator_actions.errorhandler(GoldloopError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    assert request.view_args is not None
    flash(sentence_of(error), "error")
    return redirect(url_for("annotators.agreement", key=request.view_args["key"]), code=303)


def _number(value: str) -> int:
    if not value.isdecimal() or len(value) > 18:
        raise InvalidInputError(f"not a number: {value!r:.50}")
    return int(value)
