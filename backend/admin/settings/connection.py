"""A project's connection with Label Studio: looked at on request, and put right."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.frame.asking import asked_by
from backend.admin.words.connection_words import PARTS, WHAT_TO_DO
from backend.admin.words.told import told
from backend.db.projects import project_by_key
from backend.errors import GoldloopError, NotFoundError
from backend.loop.check_connection import check_connection_of
from backend.loop.connect import connect_project
from backend.opened import opened

connection_page = Blueprint(
    "connection", __name__, url_prefix="/projects/<key>/settings/label-studio"
)


@connection_page.get("")
def show(key: str) -> ResponseReturnValue:
    """How it is connected, as we know without asking."""
    return _page(key, None)


@connection_page.post("/test")
def test(key: str) -> ResponseReturnValue:
    """Ask Label Studio and say what is wrong; nothing is changed."""
    return _page(key, check_connection_of(opened(), key))


@connection_page.post("/connect")
def connect(key: str) -> ResponseReturnValue:
    """Make or mend what is lacking: the project there, our ML backend, one hook."""
    try:
        made = connect_project(opened(), key, by=asked_by())
    except NotFoundError:
        raise
    except GoldloopError as error:
        flash(
            _("Label Studio could not be connected: %(reason)s", reason=told(str(error))), "error"
        )
        return redirect(url_for("connection.show", key=key), code=303)
    flash(_("Connected with Label Studio project %(number)s.", number=made.label_studio_id), "done")
    return redirect(url_for("connection.show", key=key), code=303)


def _page(key: str, looked: object) -> str:
    settings = opened().settings
    with opened().database.read() as session:
        project = project_by_key(session, key)
    return render_template(
        "connection.html",
        project=project,
        looked=looked,
        parts=PARTS,
        what_to_do=WHAT_TO_DO,
        address=settings.label_studio_url,
        has_token=bool(settings.label_studio_api_key.get_secret_value()),
        ml_backend=settings.ml_backend_url,
    )
