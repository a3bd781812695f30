"""The page of accounts: people added, and who may do what, changed by administrators."""

import logging
import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.frame.asking import asked_by
from backend.admin.frame.paging import PAGE_SIZE, asked_after, page_of
from backend.admin.words.words import word
from backend.db.accounts import listed_accounts
from backend.db.tables import Role
from backend.errors import ConflictError, InvalidInputError
from backend.opened import opened
from backend.workflow.projects.accounts import add_person, give_role

log = logging.getLogger(__name__)
accounts_page = Blueprint("accounts", __name__, url_prefix="/accounts")


@accounts_page.get("")
def show() -> ResponseReturnValue:
    """Everybody, with their role and their last annotation."""
    return _page()


@accounts_page.post("")
def add() -> ResponseReturnValue:
    """Add a person with a password of ours, which this answer alone holds."""
    role, email = _role(), request.form.get("email", "").strip()
    if role is None:
        return _answer(_("There is no such role."), "error")
    password = secrets.token_urlsafe(12)
    name = request.form.get("name", "").strip()[:200]
    try:
        with opened().database.write() as session:
            made = add_person(session, email, role, by=asked_by(), password=password, name=name)
    except ConflictError:
        return _answer(_("%(email)s can sign in already.", email=email), "error")
    except InvalidInputError:
        return _answer(_("%(email)s is not an e-mail address.", email=email), "error")
    log.info("event=account_added account=%d role=%s by=%s", made.id, role, asked_by())
    return _page(made.email, password)


@accounts_page.post("/<int:account_id>/role")
def change_role(account_id: int) -> ResponseReturnValue:
    """Give somebody another role; it holds from their next click."""
    role = _role()
    if role is None:
        return _answer(_("There is no such role."), "error")
    try:
        with opened().database.write() as session:
            account = give_role(session, account_id, role, by=asked_by(), own=asked_by())
    except ConflictError:
        return _answer(_("Nobody changes their own role: another administrator can."), "error")
    log.info("event=role_changed account=%d role=%s by=%s", account_id, role, asked_by())
    done = _("%(email)s has the role %(role)s now.", email=account.email, role=word(role))
    return _answer(done, "done")


def _role() -> Role | None:
    try:
        return Role(request.form.get("role", ""))
    except ValueError:
        return None


def _page(added: str = "", password: str = "") -> str:
    with opened().database.read() as session:
        found = listed_accounts(session, after=asked_after(), limit=PAGE_SIZE + 1)
    page = page_of(found, lambda one: one.account.id)
    return render_template(
        "accounts.html", page=page, roles=list(Role), added=added, password=password
    )


def _answer(sentence: str, kind: str) -> ResponseReturnValue:
    flash(sentence, kind)
    return redirect(url_for("accounts.show"), code=303)
