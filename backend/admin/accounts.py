"""The page of accounts: who may do what, changed by administrators."""

import logging

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from backend.admin.opened import asked_by, opened
from backend.db.accounts import listed_accounts
from backend.db.tables import Role
from backend.errors import ConflictError
from backend.workflow.people import give_role

log = logging.getLogger(__name__)
accounts_page = Blueprint("accounts", __name__, url_prefix="/accounts")


@accounts_page.get("")
def show() -> ResponseReturnValue:
    """Everybody, with their role and their last annotation."""
    with opened().database.read() as session:
        people = listed_accounts(session)
    return render_template("accounts.html", people=people, roles=list(Role))


@accounts_page.post("/<int:account_id>/role")
def change_role(account_id: int) -> ResponseReturnValue:
    """Give somebody another role; it holds from their next click."""
    try:
        role = Role(request.form.get("role", ""))
    except ValueError:
        return _answer("There is no such role.", "error")
    try:
        with opened().database.write() as session:
            account = give_role(session, account_id, role, by=asked_by(), own=asked_by())
    except ConflictError as error:
        return _answer(f"{str(error).capitalize()}.", "error")
    log.info("event=role_changed account=%d role=%s by=%s", account_id, role, asked_by())
    return _answer(f"{account.email} is {_with_article(role)} now.", "done")


def _with_article(role: Role) -> str:
    return f"{'a' if role == Role.CURATOR else 'an'} {role}"


def _answer(sentence: str, kind: str) -> ResponseReturnValue:
    flash(sentence, kind)
    return redirect(url_for("accounts.show"), code=303)
