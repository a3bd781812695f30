"""The page of a project's settings: what its curator may set, each field made from the model."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from backend.admin.opened import asked_by, opened
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.settings import ProjectSettings
from backend.workflow.project_settings import change_settings

# Options of the trainer are many and not all numbers: `goldloop project set` takes those.
NOT_HERE = {"training"}
GROUPS = {
    "Training": ("retrain_threshold", "min_support"),
    "Gate": (
        "gate_margin",
        "gate_class_margin",
        "gate_class_support",
        "gate_min_documents",
        "gate_when_little",
    ),
    "What people see": ("open_tasks", "random_share"),
    "Duplicates": ("casefold", "near_threshold"),
    "Autolabels": ("autolabel_p", "autolabel_delta", "audit_share"),
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
    default: str
    error: str
    whole: bool
    choices: tuple[str, ...]


@settings_page.get("")
def show(key: str) -> ResponseReturnValue:
    """The form with what is set now."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
    return _page(project, settings_of(project).model_dump())


@settings_page.post("")
def change(key: str) -> ResponseReturnValue:
    """Set what was typed, all of it or nothing."""
    typed = {name: request.form.get(name, "").strip() for name in _names()}
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        try:
            change_settings(session, project, typed, by=asked_by())
        except ValidationError as error:
            return _page(project, typed, _errors(error)), 422
    log.info("event=settings_changed project=%s by=%s", key, asked_by())
    flash("The settings are saved.", "done")
    return redirect(url_for("project.project", key=key), code=303)


def _page(
    project: Project, values: Mapping[str, Any], errors: Mapping[str, str] | None = None
) -> str:
    groups = {
        title: [_field(name, values, errors or {}) for name in names]
        for title, names in _groups().items()
    }
    return render_template("settings.html", project=project, groups=groups, errors=errors)


def _names() -> list[str]:
    return [name for name in ProjectSettings.model_fields if name not in NOT_HERE]


def _groups() -> dict[str, list[str]]:
    """The settings by heading; one that nobody has sorted yet comes last, rather than nowhere."""
    sorted_in = {name for names in GROUPS.values() for name in names}
    rest = [name for name in _names() if name not in sorted_in]
    return {title: list(names) for title, names in GROUPS.items()} | (
        {"Other": rest} if rest else {}
    )


def _field(name: str, values: Mapping[str, Any], errors: Mapping[str, str]) -> FormField:
    field = ProjectSettings.model_fields[name]
    return FormField(
        name=name,
        title=field.title or name.replace("_", " ").capitalize(),
        description=field.description or "",
        value=_shown(values.get(name)),
        default=_shown(field.default) or "empty",
        error=errors.get(name, ""),
        whole=field.annotation in (int, int | None),
        choices=_choices(field.annotation),
    )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _choices(annotation: Any) -> tuple[str, ...]:
    if annotation is bool:
        return ("no", "yes")
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _errors(error: ValidationError) -> dict[str, str]:
    return {
        str(problem["loc"][0]): _said(problem["type"], problem.get("ctx", {}), problem["msg"])
        for problem in error.errors()
    }


def _said(kind: str, context: Mapping[str, Any], message: str) -> str:
    """What to type instead, in our words."""
    if kind.startswith("int_"):
        return "Give a whole number."
    if kind.startswith("float_"):
        return "Give a number."
    if kind == "greater_than_equal":
        return f"Give {context['ge']:g} or more."
    if kind == "less_than_equal":
        return f"Give {context['le']:g} or less."
    return f"{message}."
