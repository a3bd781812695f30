"""The audit log as pages: of a project for its curators, of everything for administrators."""

from typing import Any

import orjson
from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from backend.admin.frame.paging import PAGE_SIZE, asked_after, page_of
from backend.admin.words.action_words import KINDS, action, subject
from backend.admin.words.setting_words import SETTINGS
from backend.admin.words.words import word
from backend.db.audit_log import audit_entries
from backend.db.projects import all_projects, project_by_key
from backend.db.tables import Project
from backend.opened import opened

audit_page = Blueprint("audit", __name__)


@audit_page.get("/projects/<key>/settings/changes")
def of_project(key: str) -> ResponseReturnValue:
    """Every change of one project, the newest first."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
    return _page("project_changes.html", project)


@audit_page.get("/changes")
def of_all() -> ResponseReturnValue:
    """Every change of anything, the newest first."""
    return _page("changes.html", None)


def _page(template: str, project: Project | None) -> str:
    kind = request.args.get("kind", "")
    who = request.args.get("who", "").strip()
    with opened().database.read() as session:
        found = audit_entries(
            session,
            project_id=project.id if project else None,
            who=who,
            action=f"{kind}." if kind in KINDS else "",
            before=asked_after() or None,
            limit=PAGE_SIZE + 1,
        )
        names = {one.id: one.name for one in all_projects(session)} if project is None else {}
    return render_template(
        template,
        project=project,
        page=page_of(found, lambda entry: entry.id),
        names=names,
        kinds=KINDS,
        kind=kind,
        who=who,
        action=action,
        subject=subject,
        told=told,
    )


def told(value: Any) -> list[tuple[str, str]]:
    """A kept value as lines: a name, which may be empty, and what it was."""
    if value is None:
        return []
    if isinstance(value, dict):
        return [(_name(str(name)), _short(its)) for name, its in value.items()]
    return [("", _short(value))]


def _name(name: str) -> str:
    """A setting by its title, anything else by its own name."""
    setting = name.removeprefix("training.")
    return str(SETTINGS[setting].title) if setting in SETTINGS else word(name)


def _short(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        written = ", ".join(word(one) for one in value)
    elif isinstance(value, str):
        written = word(value)
    else:
        written = orjson.dumps(value).decode() if value not in (None, [], {}) else "–"
    return written if len(written) <= 200 else f"{written[:200]}…"
