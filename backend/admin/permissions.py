"""Who may do what: the one table of routes and roles, and the one place that asks it."""

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from backend.db.tables import Role

EVERYONE = None  # no account is asked for

ALLOWED: dict[str, Role | None] = {
    "static": EVERYONE,
    "health.health": EVERYONE,
    "charts.library": EVERYONE,
    "language.change": EVERYONE,
    "webhooks.receive": EVERYONE,  # authenticated by its own secret
    "login.login": EVERYONE,
    "login.logout": Role.ANNOTATOR,
    "login.password": Role.ANNOTATOR,
    "login.change_password": Role.ANNOTATOR,
    "projects.projects": Role.ANNOTATOR,
    "project.project": Role.ANNOTATOR,
    "project.live": Role.ANNOTATOR,
    "project.export": Role.CURATOR,
    "actions.retrain": Role.CURATOR,
    "actions.retry": Role.CURATOR,
    "actions.cancel": Role.CURATOR,
    "actions.rollback": Role.CURATOR,
    "actions.decide": Role.CURATOR,
    "actions.reconcile": Role.CURATOR,
    "models.show": Role.CURATOR,
    "models.live": Role.CURATOR,
    "models.version": Role.CURATOR,
    "models.compare": Role.CURATOR,
    "models.download": Role.CURATOR,
    "project_settings.show": Role.CURATOR,
    "project_settings.change": Role.CURATOR,
    "accounts.show": Role.ADMINISTRATOR,
    "accounts.change_role": Role.ADMINISTRATOR,
}

_ORDER = (Role.ANNOTATOR, Role.CURATOR, Role.ADMINISTRATOR)


def may(role: str, needed: Role | None) -> bool:
    """Whether a role includes what is needed; each includes those before it."""
    return needed is None or _ORDER.index(Role(role)) >= _ORDER.index(needed)


def check_request() -> ResponseReturnValue | None:
    """Before every request: a route that is not in the table is open to nobody."""
    if request.endpoint is None:
        return None  # no such page; Flask answers 404
    if request.endpoint not in ALLOWED:
        abort(403)
    needed = ALLOWED[request.endpoint]
    if needed is None:
        return None
    if not current_user.is_authenticated:
        if request.method == "GET" and not request.endpoint.endswith(".live"):
            return redirect(url_for("login.login", next=request.full_path.rstrip("?")))
        abort(401)
    if not may(current_user.role, needed):
        abort(403)
    return None


def allowed(endpoint: str) -> bool:
    """For templates: whether the person signed in may use a route."""
    return bool(current_user.is_authenticated) and may(current_user.role, ALLOWED[endpoint])
