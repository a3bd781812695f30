"""What a curator does about gold that may be wrong: have it looked for, decide, undo."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from backend.admin.frame.asking import asked_by
from backend.admin.frame.undo import flash_undo
from backend.admin.review import doubts, model_errors
from backend.admin.words.told import sentence_of
from backend.db import versions
from backend.db.projects import project_by_key
from backend.db.tables import Document
from backend.db.tables_of_review import Verdict
from backend.errors import GoldloopError, NotFoundError
from backend.loop import doubts as looking
from backend.loop import review as loop
from backend.loop.compare_gold import COMPARE_GOLD
from backend.opened import opened
from backend.workflow.review import decide as review
from backend.workflow.review.kinds import DOUBTS, ERRORS, Decision, ReviewKind, asked_about
from ml_backend.contract.messages import DEFAULT_QUEUE

review_actions = Blueprint("review_actions", __name__, url_prefix="/projects/<key>/errors")


@dataclass(frozen=True, slots=True)
class _Pages:
    """The pages that one kind is decided on: the list, one of it, and which comes next."""

    kind: ReviewKind
    listed: str
    one: str
    following: Callable[[Session, int, int], int | None]
    filters: Callable[[], Mapping[str, str]]


_PAGES = {
    "errors": _Pages(
        ERRORS,
        "model_errors.show",
        "model_errors.document",
        model_errors.following,
        model_errors.filters,
    ),
    "doubts": _Pages(
        DOUBTS,
        "doubts.show",
        "doubts.doubt",
        doubts.following,
        doubts.filters,
    ),
}


@review_actions.post("/<int:number>", defaults={"of": "errors"})
@review_actions.post("/doubts/<int:number>", defaults={"of": "doubts"})
def decide(key: str, of: str, number: int) -> ResponseReturnValue:
    """Keep a curator's decision and go on to the next one."""
    pages, form = _PAGES[of], request.form
    revision, verdict = form.get("revision", -1, type=int), form.get("verdict", "")
    if verdict not in set(Verdict):
        raise NotFoundError("decision", verdict)
    with opened().database.read() as session:
        project_id = project_by_key(session, key).id
    decision = loop.decide(
        opened(), project_id, pages.kind, number, revision, Verdict(verdict), asked_by()
    )
    with opened().database.read() as session:
        following = pages.following(session, project_id, number)
        may_undo = review.may_undo(session.get_one(Document, decision.document_id), decision)
    _tell(url_for("review_actions.undo", key=key, of=of), decision, may_undo=may_undo)
    address = url_for(pages.listed, key=key)
    if following is not None:
        address = url_for(pages.one, key=key, number=following)
    query = urlencode(pages.filters())
    return redirect(f"{address}?{query}" if query else address, code=303)


@review_actions.post("/undo", defaults={"of": "errors"})
@review_actions.post("/doubts/undo", defaults={"of": "doubts"})
def undo(key: str, of: str) -> ResponseReturnValue:
    """Take a decision back and show again what it was about."""
    pages, number = _PAGES[of], request.form.get("decision", -1, type=int)
    with opened().database.write() as session:
        project = versions.locked_project(session, project_by_key(session, key).id)
        decision = review.undo(session, project, pages.kind, number, asked_by())
        asked = session.get(pages.kind.asking, asked_about(decision))
    if pages.kind is ERRORS and decision.verdict == Verdict.MODEL:
        _ring(project.id)
        flash(_("The decision is taken back; its gold is compared again in a moment."), "done")
        return redirect(url_for(pages.listed, key=key), code=303)
    flash(_("The decision is taken back."), "done")
    address = url_for(pages.listed, key=key)
    if asked is not None:
        address = url_for(pages.one, key=key, number=asked_about(decision))
    return redirect(address, code=303)


@review_actions.post("/compare")
def compare(key: str) -> ResponseReturnValue:
    """Look now at what gold has changed since the champion was compared with it."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
    if _ring(project.id):
        flash(_("Gold is being compared with the champion."), "done")
    else:
        flash(_("Redis does not answer now: gold is compared when it is back."), "note")
    return redirect(url_for("model_errors.show", key=key), code=303)


@review_actions.post("/doubts")
def ask(key: str) -> ResponseReturnValue:
    """Have all gold looked through."""
    looking.ask(opened(), key, asked_by())
    flash(_("All gold is being looked through."), "done")
    return redirect(url_for("doubts.show", key=key), code=303)


@review_actions.post("/doubts/cancel")
def cancel(key: str) -> ResponseReturnValue:
    """Stop looking."""
    looking.cancel(opened(), key, asked_by())
    flash(_("The look was asked to stop."), "done")
    return redirect(url_for("doubts.show", key=key), code=303)


@review_actions.errorhandler(GoldloopError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    given = request.view_args or {}
    flash(sentence_of(error), "error")
    pages = _PAGES[given.get("of", "doubts")]
    return redirect(url_for(pages.listed, key=given["key"]), code=303)


def _tell(undoing: str, decision: Decision, *, may_undo: bool) -> None:
    sentence = {
        Verdict.GOLD: _("The gold is right: it is not asked about again while it stays."),
        Verdict.MODEL: _("The model is right: what it says is gold now, of exact copies too."),
        Verdict.SENT: _("The document goes back to annotators."),
    }[Verdict(decision.verdict)]
    if decision.to_reopen:
        sentence = _("The document goes back to annotators when Label Studio answers again.")
    if may_undo:
        flash_undo(sentence, undoing, {"decision": str(decision.id)})
    else:
        why_not = _("This cannot be undone here: its task is open in Label Studio again.")
        flash(f"{sentence} {why_not}", "done")


def _ring(project_id: int) -> bool:
    job_id = f"{COMPARE_GOLD}-{project_id}"
    return opened().queue.ring(DEFAULT_QUEUE, COMPARE_GOLD, project_id, job_id=job_id)
