"""The page of a project's labels: balance, what a change would do, strings with several labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from backend.admin.charts.coloured import Piece, Shown, around, colour_of, coloured
from backend.admin.charts.label_charts import balance_chart, growth_chart
from backend.admin.frame.asking import asked_by
from backend.admin.frame.paging import asked_after, page_of
from backend.admin.frame.undo import flash_undo
from backend.admin.surveying import ask_for_survey
from backend.admin.words.told import sentence_of
from backend.db.gold import gold_of
from backend.db.label_mappings import newest_mappings
from backend.db.pool import documents
from backend.db.projects import project_by_key, settings_of
from backend.db.surveys import findings, last_survey, open_findings
from backend.db.tables import Project
from backend.db.tables_of_surveys import Finding, Found
from backend.db.versions import locked_project
from backend.errors import ConflictError, GoldloopError, InvalidInputError
from backend.opened import opened
from backend.workflow.labels.balance import balance
from backend.workflow.labels.change_labels import (
    LabelState,
    LabelWish,
    change_labels,
    label_state,
    restore_labels,
)
from backend.workflow.labels.label_map import LabelMap
from backend.workflow.labels.what_if import WhatIf, what_if

FORMS = 15  # strings a page
MAPPINGS = 10  # versions of the mapping that are shown
LARGEST = 1_000_000_000  # minimum support

labels_page = Blueprint("labels", __name__, url_prefix="/projects/<key>/labels")


@dataclass(frozen=True, slots=True)
class ShownForm:
    """A string with several labels, and where its rarest label stands."""

    form: str
    count: int
    labels: list[dict[str, Any]]
    document: int
    name: str
    text: list[str | Piece]


@labels_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The balance, what the changes in the address would do, and strings with several labels."""
    chosen = request.args.getlist("label_of_form")
    with opened().database.read() as session:
        project = project_by_key(session, key)
        survey = last_survey(session, project.id)
        found = balance(session, project)
        mappings = newest_mappings(session, project.id, MAPPINGS)
        in_force = LabelMap(mappings[0].mapping, mappings[0].names) if mappings else LabelMap()
        rows = findings(
            session,
            project.id,
            Found.SURFACE_FORM,
            after=asked_after(-1),
            limit=FORMS + 1,
            label=chosen[0] if chosen else "",
        )
        page = page_of(rows, lambda one: one.position, FORMS)
        context = {
            **_foreseen(session, project, mappings[0].number if mappings else 0),
            "balance": found,
            "suggestion": sentence_of(found.suggestion) if found.suggestion else "",
            "chart": balance_chart(found),
            "growth": growth_chart(survey.figures["growth"], chosen) if survey else None,
            "survey": survey,
            "chosen": chosen[0] if chosen else "",
            "page": page,
            "forms": _shown_forms(session, project, page.rows),
            "form_count": open_findings(session, project.id).get(Found.SURFACE_FORM, 0),
            "mappings": mappings,
            "colours": {one.label: colour_of(one.label, project.labels) for one in found.labels},
            "targets": list(dict.fromkeys(map(in_force.of, project.labels))),
        }
    return render_template("labels.html", **context)


@labels_page.get("/what-if")
def live(key: str) -> ResponseReturnValue:
    """The part of the page that says what would change, for the script that follows the slider."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        number = label_state(session, project).mapping
        return render_template("_what_if.html", **_foreseen(session, project, number))


@labels_page.post("/change")
def change(key: str) -> ResponseReturnValue:
    """Do what was foreseen."""
    wish = _wish(request.form)
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        before = label_state(session, project)
        after = change_labels(
            session,
            project,
            wish,
            seen=_state(request.form, "seen"),
            by=asked_by(),
            reason=request.form.get("reason", "").strip(),
        )
    sentence = _("The labels are changed: the next training and the next release see it.")
    fields = {**_fields("to", before), **_fields("seen", after)}
    flash_undo(sentence, url_for("labels.restore", key=key), fields)
    return redirect(url_for("labels.show", key=key), code=303)


@labels_page.post("/restore")
def restore(key: str) -> ResponseReturnValue:
    """Put an earlier mapping and minimum in force again."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        to, seen = _state(request.form, "to"), _state(request.form, "seen")
        restore_labels(session, project, to, seen=seen, by=asked_by())
    flash(_("The labels are as they were."), "done")
    return redirect(url_for("labels.show", key=key), code=303)


@labels_page.post("/survey")
def survey(key: str) -> ResponseReturnValue:
    """Look over all gold again."""
    return ask_for_survey(key, url_for("labels.show", key=key))


@labels_page.errorhandler(ConflictError)
@labels_page.errorhandler(InvalidInputError)
def _impossible(error: GoldloopError) -> ResponseReturnValue:
    """Say why nothing happened, with what was typed still there."""
    assert request.view_args is not None
    flash(sentence_of(str(error)), "error")
    typed: dict[str, Any] = {name: request.form.get(name) or None for name in _TYPED}
    return redirect(url_for("labels.show", key=request.view_args["key"], **typed), code=303)


_TYPED = ("min_support", "how", "label", "into")


def _foreseen(session: Session, project: Project, mapping: int) -> dict[str, Any]:
    """What the form holds and would do, or why it cannot be; `mapping` is the one in force."""
    seen: WhatIf | None = None
    wish, error = LabelWish(), ""
    try:
        wish = _wish(request.args)
        if wish:
            seen = what_if(
                session,
                project,
                min_support=wish.min_support,
                merges=wish.merges,
                renames=wish.renames,
                exactly=False,
            )
    except InvalidInputError as problem:
        error = sentence_of(str(problem))
    return {
        "project": project,
        "typed": {name: request.args.get(name, "").strip() for name in _TYPED},
        "foreseen": seen,
        "impossible": error,
        "state": LabelState(mapping, settings_of(project).min_support),
    }


def _wish(typed: Mapping[str, str]) -> LabelWish:
    """What a form asks for; raises InvalidInputError."""
    minimum, label = typed.get("min_support", "").strip(), typed.get("label", "")
    if minimum and not (minimum.isascii() and minimum.isdecimal() and int(minimum) <= LARGEST):
        raise InvalidInputError(_("Give a whole number."))
    into = typed.get("into", "").strip()
    pairs = [(label, into)] if label and into else []
    renamed = typed.get("how") == "rename"
    return LabelWish(
        int(minimum) if minimum else None,
        merges=() if renamed else pairs,
        renames=pairs if renamed else (),
    )


def _fields(name: str, state: LabelState) -> dict[str, str]:
    minimum = "" if state.min_support is None else str(state.min_support)
    return {f"{name}_mapping": str(state.mapping), f"{name}_minimum": minimum}


def _state(form: Mapping[str, str], name: str) -> LabelState:
    mapping, minimum = form.get(f"{name}_mapping", ""), form.get(f"{name}_minimum", "")
    if not mapping.isdecimal() or not (minimum == "" or minimum.isdecimal()):
        raise InvalidInputError(_("This form is from another page. Load the page again."))
    return LabelState(int(mapping), int(minimum) if minimum else None)


def _shown_forms(session: Session, project: Project, rows: Sequence[Finding]) -> list[ShownForm]:
    """The strings with the place of their rarest label, coloured as its document's gold is."""
    first = {row.position: row.body["labels"][-1]["documents"][0] for row in rows}
    texts = documents(session, sorted(set(first.values())))
    gold = gold_of(session, texts)
    shown = []
    for row in rows:
        document, label = texts[first[row.position]], row.body["labels"][-1]["label"]
        entities = [Shown(one["start"], one["end"], one["label"]) for one in gold[document.id]]
        its = [(one.start, one.end) for one in entities if one.label == label]
        meant = [at for at in its if document.text[at[0] : at[1]] == row.body["form"]][:1]
        within = around(document.text, meant or its[:1] or [(0, 1)])
        shown.append(
            ShownForm(
                row.body["form"],
                row.body["count"],
                row.body["labels"],
                document.id,
                document.external_id,
                coloured(document.text, entities, project.labels, within=within),
            )
        )
    return shown
