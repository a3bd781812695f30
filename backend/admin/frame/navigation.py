"""The sections of a project, in the order in which its pages name them."""

from dataclasses import dataclass

from flask import Flask, current_app, url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from backend.admin.frame.permissions import allowed

SECTIONS: dict[str, tuple[str, LazyString]] = {
    "overview": ("project.project", _l("Overview")),
    "labels": ("labels.show", _l("Labels")),
    "selection": ("selection.show", _l("Selection")),
    "models": ("models.show", _l("Models")),
    "errors": ("model_errors.show", _l("Errors")),
    "duplicates": ("duplicates.show", _l("Duplicates")),
    "autolabel": ("autolabel.show", _l("Autolabel")),
    "annotators": ("annotators.show", _l("Annotators")),
    "releases": ("releases.show", _l("Releases")),
    "jobs": ("jobs.show", _l("Jobs")),
    "settings": ("project_settings.show", _l("Settings")),
}
"""Section, its endpoint (which takes `key`) and its title."""

_OWN = {"annotators": _l("Your annotations")}  # of somebody who sees nobody else's


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the navigation."""

    section: str
    title: LazyString
    address: str


def add_navigation(app: Flask) -> None:
    """Let templates draw the navigation."""
    app.jinja_env.globals.update(navigation=navigation, section_address=section_address)


def section_address(section: str, key: str) -> str | None:
    """The page of a section, None where the person signed in may not open it."""
    endpoint = SECTIONS[section][0] if section in SECTIONS else ""
    if endpoint not in current_app.view_functions or not allowed(endpoint):
        return None
    return url_for(endpoint, key=key)


def navigation(key: str) -> list[Entry]:
    """The sections of a project that the person signed in may open."""
    return [
        Entry(
            section, title if allowed("annotators.agreement") else _OWN.get(section, title), address
        )
        for section, (_endpoint, title) in SECTIONS.items()
        if (address := section_address(section, key)) is not None
    ]
