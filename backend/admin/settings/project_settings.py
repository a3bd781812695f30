"""The page of a project's settings: what its curator may set, each field made from the model."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import ValidationError

from backend.admin.frame.asking import asked_by
from backend.admin.frame.undo import flash_settings
from backend.admin.project.training_choices import CHOICES as MODEL_CHOICES
from backend.admin.project.training_choices import chosen_options
from backend.admin.words.setting_words import CHOICES, SETTINGS
from backend.admin.words.told import sentence_of
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.errors import ConflictError, InvalidInputError
from backend.opened import opened
from backend.settings import ProjectSettings
from backend.workflow.projects.settings import change_settings, undo_settings

ELSEWHERE = ("training", "selection")  # shown in part, or by the page of selection
MODEL = ("encoder", "head", "start", "epochs")  # of the trainer's many options
GROUPS: dict[str, tuple[LazyString, tuple[str, ...]]] = {
    "training": (_l("Training"), ("retrain_threshold", "min_support", "pseudo_confidence")),
    "model": (_l("Model"), MODEL),
    "gate": (
        _l("Gate"),
        (
            "gate_margin",
            "gate_class_margin",
            "gate_class_support",
            "gate_min_documents",
            "gate_when_little",
        ),
    ),
    "selection": (_l("What people see"), ("open_tasks", "random_share", "label_target")),
    "people": (_l("Agreement and bias"), ("shared_share", "annotators_each", "blind_share")),
    "duplicates": (_l("Duplicates"), ("casefold", "near_threshold")),
    "autolabels": (_l("Autolabels"), ("autolabel_p", "autolabel_delta", "audit_share")),
}

log = logging.getLogger(__name__)
settings_page = Blueprint("project_settings", __name__, url_prefix="/projects/<key>/settings")


@dataclass(frozen=True, slots=True)
class FormField:
    """One setting as the form shows it: what was typed, and what is wrong with it."""

    name: str
    title: str
    description: str
    value: str
    was: str  # what the form showed at first: what still is so, nobody has changed here
    default: str
    error: str
    kind: str  # the keyboard that a telephone shows
    choices: Mapping[str, str]  # value → word; none for a field to type in


@settings_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The form with what is set now."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
    values = settings_of(project).model_dump()
    values |= values["training"]
    return _page(project, values, values)


@settings_page.post("")
def change(key: str) -> ResponseReturnValue:
    """Set what was changed in the form, all of it or nothing; the rest stays as it is now."""
    typed = {name: request.form.get(name, "").strip() for name in (*_names(), *MODEL)}
    was = {name: request.form.get(f"was_{name}") for name in typed}
    changed = {name: its for name, its in typed.items() if its != was[name]}
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        try:
            kept = settings_of(project).model_dump()
            training = {name: its for name, its in kept["training"].items() if name not in changed}
            chosen = chosen_options({name: its for name, its in changed.items() if name in MODEL})
            fields = {name: changed.get(name, kept[name]) for name in _names()}
            wanted = {**fields, "training": {**training, **chosen}}
            saved = change_settings(session, project, wanted, by=asked_by())
        except ValidationError as error:
            return _page(project, typed, was, _errors(error)), 422
        except InvalidInputError as error:
            name = next((one for one in MODEL if str(error).startswith(one)), "encoder")
            return _page(project, typed, was, {name: sentence_of(error)}), 422
    log.info("event=settings_changed project=%s by=%s", key, asked_by())
    flash_settings(_("The settings are saved."), key, saved)
    return redirect(url_for("project.project", key=key), code=303)


@settings_page.post("/undo")
def undo(key: str) -> ResponseReturnValue:
    """Take a change back, unless what it changed has been changed since."""
    number = request.form.get("change", 0, type=int)
    try:
        with opened().database.write() as session:
            project = locked_project(session, project_by_key(session, key).id)
            undone = undo_settings(session, project, number, by=asked_by())
    except ConflictError as error:
        flash(sentence_of(error), "error")
        return redirect(url_for("project_settings.show", key=key), code=303)
    flash(_("The settings are as they were."), "done")
    of_selection = undone is not None and "selection" in undone.after
    page = "selection.show" if of_selection else "project_settings.show"
    return redirect(url_for(page, key=key), code=303)


def _page(
    project: Project,
    values: Mapping[str, Any],
    was: Mapping[str, Any],
    errors: Mapping[str, str] | None = None,
) -> str:
    groups = {
        str(title): [_field(name, values, was, errors or {}) for name in names]
        for title, names in GROUPS.values()
    }
    return render_template("settings.html", project=project, groups=groups, errors=errors)


def _names() -> list[str]:
    return [name for name in ProjectSettings.model_fields if name not in ELSEWHERE]


def _field(
    name: str, values: Mapping[str, Any], was: Mapping[str, Any], errors: Mapping[str, str]
) -> FormField:
    field = ProjectSettings.model_fields.get(name)
    annotation = field.annotation if field else {"epochs": int}.get(name)
    return FormField(
        name=name,
        title=str(SETTINGS[name].title),
        description=str(SETTINGS[name].meaning),
        value=_shown(values.get(name)),
        was=_shown(was.get(name)),
        default=_in_words(_shown(field.default)) or _("empty") if field else "",
        error=errors.get(name, ""),
        kind=_keyboard(annotation),
        choices=_choices(name, annotation),
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _in_words(value: str) -> str:
    return str(CHOICES.get(value, value))


def _keyboard(annotation: Any) -> str:
    if annotation in (int, int | None):
        return "numeric"
    return "decimal" if annotation is float else "text"


def _choices(name: str, annotation: Any) -> dict[str, str]:
    if name in MODEL_CHOICES:
        left = {"": _("left to the trainer")}
        return left | {one.value: str(one.name) for one in MODEL_CHOICES[name]}
    if annotation is bool:
        return {value: _in_words(value) for value in ("no", "yes")}
    if get_origin(annotation) is Literal:
        return {value: _in_words(value) for value in get_args(annotation)}
    return {}


def _errors(error: ValidationError) -> dict[str, str]:
    return {
        str(problem["loc"][0]): _said(problem["type"], problem.get("ctx", {}), problem["msg"])
        for problem in error.errors()
    }


def _said(kind: str, context: Mapping[str, Any], message: str) -> str:
    """What to type instead, in our words."""
    if kind.startswith("int_"):
        return _("Give a whole number.")
    if kind.startswith("float_"):
        return _("Give a number.")
    if kind == "greater_than_equal":
        return _("Give %(least)s or more.", least=f"{context['ge']:g}")
    if kind == "less_than_equal":
        return _("Give %(most)s or less.", most=f"{context['le']:g}")
    if kind == "greater_than":
        return _("Give more than %(border)s.", border=f"{context['gt']:g}")
    if kind == "less_than":
        return _("Give less than %(border)s.", border=f"{context['lt']:g}")
    return f"{message}."
