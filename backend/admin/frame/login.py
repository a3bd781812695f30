"""Sign in, sign out, change one's password."""

from dataclasses import dataclass

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from backend.admin.frame.own_address import own_address
from backend.admin.words.told import told
from backend.db.accounts import (
    account_by_email,
    account_by_token,
    existing_account,
    password_fits,
)
from backend.db.tables import Account
from backend.errors import InvalidInputError
from backend.opened import opened
from backend.workflow.projects.accounts import change_password as change_password_of

# Counted in the process: one gthread process serves the application, and signing in has to work
# while Redis is down.
limiter = Limiter(key_func=get_remote_address, storage_uri="memory://")
logins = LoginManager()
login_page = Blueprint("login", __name__)


@dataclass(frozen=True)
class SignedIn(UserMixin):  # type: ignore[misc]
    """Who is asking, as the pages need it."""

    account_id: int
    email: str
    name: str
    role: str
    token: str

    def get_id(self) -> str:
        """What the cookie holds: it is worth nothing once the password has changed."""
        return f"{self.account_id}:{self.token}"


@logins.user_loader  # type: ignore[untyped-decorator]
def load(cookie: str) -> SignedIn | None:
    """The person of a session cookie."""
    account_id, _colon, token = cookie.partition(":")
    if not account_id.isdigit():
        return None
    with opened().database.read() as db:
        account = account_by_token(db, int(account_id), token)
    return _signed_in(account) if account else None


def _refused(response: Response) -> bool:
    return response.status_code == 401


def _address_typed() -> str:
    return request.form.get("email", "").strip().lower()


@login_page.route("/login", methods=["GET", "POST"])
@limiter.limit("60 per hour", methods=["POST"], deduct_when=_refused)
@limiter.limit("8 per 5 minutes", methods=["POST"], deduct_when=_refused, key_func=_address_typed)
def login() -> ResponseReturnValue:
    """The sign-in page; wrong attempts are counted by network address and by account."""
    if current_user.is_authenticated:
        return redirect(url_for("projects.projects"))
    if request.method == "GET":
        return render_template("login.html")
    with opened().database.read() as db:
        account = account_by_email(db, _address_typed())
    known = account.password_hash if account else None
    if not password_fits(known, request.form.get("password", "")) or account is None:
        flash(_("This address and password do not belong together."), "error")
        return render_template("login.html", email=_address_typed()), 401
    _forget_session()
    session.permanent = True
    login_user(_signed_in(account))
    return redirect(own_address(request.args.get("next", "")))


@login_page.post("/logout")
def logout() -> ResponseReturnValue:
    """End this session."""
    logout_user()
    _forget_session()
    return redirect(url_for("login.login"))


@login_page.get("/password")
def password() -> ResponseReturnValue:
    """The form to change one's own password."""
    return render_template("password.html")


@login_page.post("/password")
@limiter.limit("8 per 5 minutes", deduct_when=_refused)
def change_password() -> ResponseReturnValue:
    """Change one's own password; sessions elsewhere end, this one goes on."""
    with opened().database.read() as db:
        known = existing_account(db, current_user.email).password_hash
    if not password_fits(known, request.form.get("present", "")):
        flash(_("The present password is wrong."), "error")
        return render_template("password.html"), 401
    if request.form.get("new", "") != request.form.get("again", ""):
        flash(_("The two new passwords differ."), "error")
        return render_template("password.html"), 422
    try:
        with opened().database.write() as db:
            email = current_user.email
            account = change_password_of(db, email, request.form["new"], by=email)
    except InvalidInputError as error:
        flash(f"{told(str(error))}.".capitalize(), "error")
        return render_template("password.html"), 422
    login_user(_signed_in(account))
    flash(_("Your password is changed; sessions elsewhere have ended."), "done")
    return redirect(url_for("projects.projects"))


def _forget_session() -> None:
    language = session.get("language")
    session.clear()
    session["language"] = language  # who sits here reads the same language as before


def _signed_in(account: Account) -> SignedIn:
    return SignedIn(account.id, account.email, account.name, account.role, account.session_token)
