"""The parts of a project's settings, and those of the whole installation, as tabs."""

from dataclasses import dataclass

from flask import Flask, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from backend.admin.frame.permissions import allowed

OF_A_PROJECT: dict[str, LazyString] = {
    "project_settings.show": _l("Settings"),
    "connection.show": _l("Label Studio"),
    "members.show": _l("Members"),
    "audit.of_project": _l("Changes"),
}
OF_ALL: dict[str, LazyString] = {
    "accounts.show": _l("Accounts"),
    "tokens.show": _l("API tokens"),
    "audit.of_all": _l("Changes"),
    "api_documentation.show": _l("API"),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: its page's endpoint, title and address."""

    endpoint: str
    title: LazyString
    address: str


def add_settings_tabs(app: Flask) -> None:
    """Let templates draw the tabs."""
    app.jinja_env.globals["settings_tabs"] = settings_tabs


def settings_tabs(key: str | None = None) -> list[Tab]:
    """The tabs of a project, or of the installation, that the person signed in may open."""
    return [
        Tab(endpoint, title, url_for(endpoint, key=key))
        for endpoint, title in (OF_A_PROJECT if key else OF_ALL).items()
        if allowed(endpoint)
    ]
