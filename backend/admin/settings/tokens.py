"""The page of API tokens: made, shown once, revoked."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from backend.admin.frame.asking import asked_by
from backend.admin.frame.paging import OFFERED, PAGE_SIZE, asked_after, page_of
from backend.admin.words.told import sentence_of
from backend.db.accounts import accounts, existing_account
from backend.db.api_tokens import listed_tokens
from backend.db.scopes import ROLE_OF_SCOPE, Scope
from backend.db.tables import now
from backend.errors import InvalidInputError, NotFoundError
from backend.opened import opened
from backend.workflow.projects.accounts import end_token, give_token

tokens_page = Blueprint("tokens", __name__, url_prefix="/tokens")

DAYS = (30, 90, 365)  # that a token may live; 0 is for ever

WHAT_SCOPES_ALLOW: dict[Scope, LazyString] = {
    Scope.PROJECTS_READ: _l("see projects and one's own figures"),
    Scope.SETTINGS_READ: _l("see a project's settings, members and connection, and the jobs"),
    Scope.MODELS_READ: _l("see how projects stand, their runs and versions"),
    Scope.GOLD_READ: _l("see documents, gold, labels, conflicts, autolabels and releases"),
    Scope.GOLD_WRITE: _l(
        "import documents, compare with Label Studio, change labels, decide conflicts, autolabels "
        "and errors"
    ),
    Scope.MODELS_WRITE: _l("train, cancel, promote, roll back and autolabel"),
    Scope.RELEASES_WRITE: _l("make releases"),
    Scope.SETTINGS_WRITE: _l("change a project's settings and members"),
    Scope.CONNECTIONS_WRITE: _l("make projects and connect them with Label Studio"),
    Scope.ACCOUNTS_READ: _l("see accounts, tokens and the audit log"),
    Scope.ACCOUNTS_WRITE: _l("add accounts, give roles, make and revoke tokens"),
}


@tokens_page.get("")
def show() -> ResponseReturnValue:
    """Every token, and the form for a new one."""
    return _page()


@tokens_page.post("")
def make() -> ResponseReturnValue:
    """Make a token; this answer is the only place that ever holds it."""
    try:
        lives = _lifetime(request.form.get("days", "90"))
        scopes = [Scope(scope) for scope in request.form.getlist("scopes")]
        with opened().database.write() as session:
            account = existing_account(session, request.form.get("account", ""))
            _token, shown = give_token(
                session,
                account,
                request.form.get("name", ""),
                scopes,
                by=asked_by(),
                expires_at=now() + lives if lives else None,
            )
    except (InvalidInputError, NotFoundError, ValueError) as error:
        flash(sentence_of(error), "error")
        return _page(), 422
    return _page(shown)


@tokens_page.post("/<int:token_id>/revoke")
def revoke(token_id: int) -> ResponseReturnValue:
    """Let a token be worth nothing from now on."""
    with opened().database.write() as session:
        token = end_token(session, token_id, by=asked_by())
    flash(_("The token %(name)s is worth nothing any more.", name=token.name), "done")
    return redirect(url_for("tokens.show"), code=303)


def _lifetime(days: str) -> timedelta | None:
    """How long the token lives, None for ever; raises InvalidInputError for what is not offered."""
    if days not in map(str, (0, *DAYS)):
        raise InvalidInputError(_("Choose when the token expires."))
    return timedelta(days=int(days)) if days != "0" else None


def _page(shown: str | None = None) -> str:
    with opened().database.read() as session:
        tokens = listed_tokens(session, before=asked_after(), limit=PAGE_SIZE + 1)
        people = accounts(session, OFFERED)
    return render_template(
        "tokens.html",
        page=page_of(tokens, lambda one: one.token.id),
        people=people,
        shown=shown,
        scopes=WHAT_SCOPES_ALLOW,
        roles=ROLE_OF_SCOPE,
        days=DAYS,
        typed=request.form,
    )
