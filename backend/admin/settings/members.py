"""The people of a project: who works in it, added and taken out."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from backend.admin.frame.asking import asked_by
from backend.admin.frame.paging import OFFERED, PAGE_SIZE, asked_after, page_of
from backend.db.members import members, no_members
from backend.db.projects import project_by_key
from backend.db.versions import locked_project
from backend.errors import ConflictError, NotFoundError
from backend.opened import opened
from backend.workflow.projects.membership import add_member, remove_member

members_page = Blueprint("members", __name__, url_prefix="/projects/<key>/settings/members")


@members_page.get("")
def show(key: str) -> ResponseReturnValue:
    """Everybody who works in the project, and who else could."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = members(session, project.id, after=asked_after(), limit=PAGE_SIZE + 1)
        others = no_members(session, project.id, OFFERED)
    page = page_of(found, lambda one: one.account.id)
    return render_template("members.html", project=project, page=page, others=others)


@members_page.post("")
def add(key: str) -> ResponseReturnValue:
    """Make somebody a member."""
    email = request.form.get("email", "")
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        try:
            account = add_member(session, project, email, by=asked_by())
        except (NotFoundError, ConflictError):
            return _answer(key, _("Nobody new has the address %(email)s.", email=email), "error")
    return _answer(key, _("%(who)s is a member now.", who=account.name or account.email), "done")


@members_page.post("/<int:account_id>/remove")
def remove(key: str, account_id: int) -> ResponseReturnValue:
    """Take somebody out; what they annotated stays."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        account = remove_member(session, project, account_id, by=asked_by())
    who = account.name or account.email
    return _answer(key, _("%(who)s is no member any more.", who=who), "done")


def _answer(key: str, sentence: str, kind: str) -> ResponseReturnValue:
    flash(sentence, kind)
    return redirect(url_for("members.show", key=key), code=303)
