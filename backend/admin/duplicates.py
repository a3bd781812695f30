"""The pages of duplicates: conflicts and groups of copies, one of them side by side, decisions."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy.orm import Session

from backend.admin.charts.coloured import colour_of, coloured, legend
from backend.admin.duplicates_shown import choices, shown_members, shown_variants
from backend.admin.frame.asking import asked_by
from backend.admin.frame.paging import asked_after, page_of
from backend.admin.frame.undo import flash_undo
from backend.admin.surveying import ask_for_survey
from backend.admin.words.told import sentence_of
from backend.db.adjudications import decided_documents, newest_decisions
from backend.db.duplicates import members
from backend.db.pool import documents
from backend.db.projects import project_by_key, settings_of
from backend.db.surveys import findings, last_survey, open_findings
from backend.db.tables import Document, Project
from backend.db.tables_of_surveys import Finding, Found
from backend.db.versions import locked_project
from backend.errors import ConflictError, GoldloopError, InvalidInputError, NotFoundError
from backend.opened import opened
from backend.workflow.duplicates.adjudicate import Decided
from backend.workflow.duplicates.decide_group import (
    Decider,
    choose,
    put_together,
    read_group,
    take_back_decisions,
)
from backend.workflow.duplicates.normal_form import ProjectionError
from ml_backend.contract.entity import Entity

ROWS = 25
MEMBERS = 40  # documents of a group that are shown
EXCERPT = 160  # characters of a text in a list
NAMES = 5  # copies that are named when they cannot take a decision
LONGEST_NAME = 40  # characters of each
LONGEST_UNDO = 2000  # characters that an offer of Undo may take of the session's cookie

DECISIONS = "decisions"
LISTS: dict[str, LazyString] = {
    Found.EXACT_CONFLICT: _l("Conflicts"),
    Found.NEAR_CONFLICT: _l("Conflicts among near copies"),
    Found.EXACT_GROUP: _l("Exact copies"),
    Found.NEAR_GROUP: _l("Near copies"),
    DECISIONS: _l("Decisions"),
}

duplicates_page = Blueprint("duplicates", __name__, url_prefix="/projects/<key>/duplicates")


@duplicates_page.get("")
def show(key: str) -> ResponseReturnValue:
    """One list: conflicts or groups as the last survey found them, or what was decided."""
    chosen = request.args.get("show", Found.EXACT_CONFLICT)
    if chosen not in LISTS:
        raise NotFoundError("list", chosen)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        survey = last_survey(session, project.id)
        context: dict[str, Any] = {
            "project": project,
            "survey": survey,
            "lists": LISTS,
            "chosen": chosen,
            "counts": open_findings(session, project.id),
            "label": request.args.get("label", ""),
        }
        if chosen == DECISIONS:
            before = asked_after() or None
            rows = newest_decisions(session, project.id, before=before, limit=ROWS + 1)
            context["page"] = page_of(rows, lambda row: row[0].id, ROWS)
        else:
            found = findings(
                session,
                project.id,
                Found(chosen),
                after=asked_after(-1),
                limit=ROWS + 1,
                label=context["label"],
            )
            context["page"] = page_of(found, lambda one: one.position, ROWS)
            context["texts"] = _texts(session, project, context["page"].rows)
    return render_template("duplicates.html", **context)


@duplicates_page.get("/<int:document_id>")
def group(key: str, document_id: int) -> ResponseReturnValue:
    """One document's copies: who said what, side by side, and what was decided."""
    return _group_page(key, document_id)


def _group_page(key: str, document_id: int, ticked: Sequence[str] | None = None) -> str:
    """The page of a group; `ticked` are the entities that a refused form held."""
    with opened().database.read() as session:
        project, document = _document(session, key, document_id)
        found = read_group(session, project, document)
        its = members(session, document, MEMBERS + 1)
        decided = decided_documents(session, found.standing) if found.standing else []
    casefold = settings_of(project).casefold
    own = [claim for claim in found.claims if claim.group_key == document.group_key]
    entities, lost = choices(own, document.id, document.text, casefold)
    conflicts = {
        kind: (one, shown_variants(one, project.labels, casefold))
        for kind, one in (("exact", found.exact), ("near", found.near))
        if one is not None
    }
    signs = {
        name
        for _one, variants in conflicts.values()
        for one in variants
        for name in one.differences
    }
    return render_template(
        "duplicate_group.html",
        project=project,
        document=document,
        conflicts=conflicts,
        legend=legend(signs),
        standing=found.standing,
        decided=decided,
        state=found.state,
        choices=entities,
        ticked={one.value for one in entities if one.checked} if ticked is None else set(ticked),
        reason=request.form.get("reason", ""),
        colours={one.label: colour_of(one.label, project.labels) for one in entities},
        lost=lost,
        members=shown_members(its[:MEMBERS], document.text, project.labels),
        more_members=len(its) > MEMBERS,
    )


@duplicates_page.post("/<int:document_id>/decide")
def decide(key: str, document_id: int) -> ResponseReturnValue:
    """Decide that one variant is right, or which of all entities are; what is refused is kept."""
    try:
        made = _decide(key, document_id)
    except (InvalidInputError, ProjectionError) as error:
        flash(sentence_of(error), "error")
        ticked = None if "variant" in request.form else request.form.getlist("entity")
        return _group_page(key, document_id, ticked), 422
    _tell(key, document_id, made)
    return redirect(url_for("duplicates.group", key=key, document_id=document_id), code=303)


def _decide(key: str, document_id: int) -> Sequence[Decided]:
    form = request.form
    by = Decider(form.get("state", ""), asked_by(), current_user.account_id, form.get("reason", ""))
    with opened().database.write() as session:
        project, document = _document(session, key, document_id)
        project = locked_project(session, project.id)
        if "variant" in form:
            kind, _colon, number = form["variant"].partition(":")
            if kind not in ("exact", "near") or not (number.isdecimal() and len(number) < 19):
                raise InvalidInputError(_("There is no such variant."))
            return choose(session, project, document, kind, int(number), by)
        wanted = [_entity(one) for one in form.getlist("entity")]
        return [put_together(session, project, document, wanted, by)]


@duplicates_page.post("/<int:document_id>/withdraw")
def withdraw(key: str, document_id: int) -> ResponseReturnValue:
    """Take decisions back: what people or files said is gold again."""
    named = request.form.get("decisions", "").split()
    if not (named and all(one.isdecimal() and len(one) < 19 for one in named)):
        raise InvalidInputError(_("This form is from another page. Load the page again."))
    with opened().database.write() as session:
        project, _asked = _document(session, key, document_id)
        project = locked_project(session, project.id)
        left = take_back_decisions(session, project, list(map(int, named)), made_by=asked_by())
    count = len(left)
    sentence = ngettext(
        "The decision is taken back from %(num)d document.",
        "The decision is taken back from %(num)d documents.",
        count,
    )
    flash(sentence, "done")
    return redirect(url_for("duplicates.group", key=key, document_id=document_id), code=303)


@duplicates_page.post("/survey")
def survey(key: str) -> ResponseReturnValue:
    """Look over all copies and gold again."""
    return ask_for_survey(key, url_for("duplicates.show", key=key))


@duplicates_page.errorhandler(ConflictError)
@duplicates_page.errorhandler(InvalidInputError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    """Say why nothing happened, on the page that it was asked on."""
    flash(sentence_of(error), "error")
    return redirect(url_for("duplicates.group", **(request.view_args or {})), code=303)


def _document(session: Session, key: str, document_id: int) -> tuple[Project, Document]:
    project = project_by_key(session, key)
    document = documents(session, [document_id]).get(document_id)
    if document is None or document.project_id != project.id:
        raise NotFoundError("document", document_id)
    return project, document


def _entity(value: str) -> Entity:
    """An entity as a box of the form names it: `start-end-label`."""
    start, _dash, rest = value.partition("-")
    end, _dash, label = rest.partition("-")
    if not (start.isdecimal() and end.isdecimal() and len(start + end) < 20):
        raise InvalidInputError(_("This form is from another page. Load the page again."))
    return Entity(int(start), int(end), label)


def _texts(
    session: Session, project: Project, rows: Sequence[Finding]
) -> dict[int, tuple[str, list[Any]]]:
    """Name and beginning of the documents that a list names, by their number."""
    found = documents(session, sorted({row.body["document"] for row in rows}))
    return {
        number: (
            one.external_id,
            coloured(one.text, (), project.labels, within=(0, min(EXCERPT, len(one.text)))),
        )
        for number, one in found.items()
    }


def _tell(key: str, document_id: int, decided: Sequence[Decided]) -> None:
    """Say what was decided and who could not take it: short enough for a cookie."""
    count = sum(len(one.documents) for one in decided)
    sentence = ngettext(
        "Decided: it is the gold of %(num)d document now.",
        "Decided: it is the gold of %(num)d documents now.",
        count,
    )
    address = url_for("duplicates.withdraw", key=key, document_id=document_id)
    named = " ".join(str(one.adjudication.id) for one in decided)
    if len(named) <= LONGEST_UNDO:
        flash_undo(sentence, address, {"decisions": named})
    else:
        flash(sentence, "done")
    refused = [name for one in decided for name in one.refused]
    if refused:
        names = ", ".join(name[:LONGEST_NAME] for name in refused[:NAMES])
        sentence = ngettext(
            "%(num)d copy could not take it, an entity has no place in its text: %(names)s",
            "%(num)d copies could not take it, an entity has no place in their texts: %(names)s",
            len(refused),
            names=names if len(refused) <= NAMES else f"{names} …",
        )
        flash(sentence, "note")
