"""Error pages: people get the facts, the log gets the traceback, both get the same id."""

import logging
import secrets
from collections.abc import Callable

from flask import Flask, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from backend.admin.words.told import sentence_of
from backend.errors import DatabaseBusyError, NotFoundError

Problem = Callable[[int, str], ResponseReturnValue]
_API = "goldloop.api_errors"

log = logging.getLogger(__name__)

_SENTENCES: dict[int, LazyString] = {
    401: _l("Sign in again to go on."),
    403: _l("Your role does not allow this. A curator or an administrator can do it."),
    404: _l("There is no such page."),
    405: _l("This address does not take that kind of request."),
    413: _l("That is more than this page takes."),
    429: _l("Too many wrong attempts. Wait a few minutes, then try again."),
}


def add_error_pages(app: Flask, api: str, problem: Problem) -> None:
    """Answer every error with one page; below the API's address, with its own shape."""
    app.extensions[_API] = (f"{api}/", problem)
    app.before_request(_refuse_nul)
    app.register_error_handler(CSRFError, _expired)
    app.register_error_handler(NotFoundError, _not_found)
    app.register_error_handler(DatabaseBusyError, _busy)
    app.register_error_handler(OverflowError, _beyond)
    app.register_error_handler(DataError, _beyond)
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(Exception, _failed)


def _refuse_nul() -> ResponseReturnValue | None:
    """Refuse what PostgreSQL cannot keep before anything is done, on SQLite as well.

    The API reads its requests itself, and so does the webhook.
    """
    if request.endpoint is None or request.endpoint.startswith(("rest.", "webhooks.")):
        return None
    given = (request.args, request.form)
    if any("\0" in text for one in given for values in one.listvalues() for text in values):
        return _page(422, _("An address or a form holds a NUL character, which cannot be kept."))
    return None


def _expired(error: CSRFError) -> ResponseReturnValue:
    return _page(400, _("This form has expired. Go back, reload the page and send it again."))


def _not_found(error: NotFoundError) -> ResponseReturnValue:
    return _page(404, sentence_of(error))


def _busy(error: DatabaseBusyError) -> ResponseReturnValue:
    log.warning("event=database_busy endpoint=%s", request.endpoint)
    return _page(503, _("The database is busy now, nothing was changed. Try again in a moment."))


def _beyond(error: Exception) -> ResponseReturnValue:
    """A number or a character that no database holds names nothing that is there."""
    log.warning("event=beyond_the_database endpoint=%s", request.endpoint, exc_info=error)
    return _page(404, str(_SENTENCES[404]))


def _refused(error: HTTPException) -> ResponseReturnValue:
    if error.response is not None:
        return error.response
    code = error.code or 500
    return _page(code, str(_SENTENCES.get(code, error.description or error.name)))


def _failed(error: Exception) -> ResponseReturnValue:
    name = secrets.token_hex(4)
    log.exception("event=page_failed id=%s endpoint=%s", name, request.endpoint)
    return _page(500, _("Something went wrong on our side. The log names it %(name)s.", name=name))


def _page(code: int, sentence: str) -> ResponseReturnValue:
    api: str
    problem: Problem
    api, problem = current_app.extensions[_API]
    if request.path.startswith(api):
        return problem(code, sentence)
    return render_template("error.html", code=code, sentence=sentence), code
