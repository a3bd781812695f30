"""`goldloop members`: who works in a project."""

import click

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.accounts import existing_account
from backend.db.members import members as members_of
from backend.db.projects import project_by_key
from backend.db.versions import locked_project
from backend.settings import load_settings
from backend.workflow.projects.membership import add_member, remove_member

BY = "command line"


@click.group()
def members() -> None:
    """The people of a project: list, add, remove; whoever annotates in it becomes one."""


@members.command("list")
@click.argument("project")
@json_option
def list_members(project: str, as_json: bool) -> None:
    """List the people of PROJECT: address, role, name, and since when."""
    with open_context(load_settings()).database.read() as session:
        found = members_of(session, project_by_key(session, project).id)
    if as_json:
        names = ("id", "email", "role", "name")
        print_json(
            [
                {**{name: getattr(one.account, name) for name in names}, "since": one.since}
                for one in found
            ]
        )
        return
    for one in found:
        its = one.account
        click.echo(f"{its.email}\t{its.role}\t{its.name}\t{one.since.date().isoformat()}")


@members.command()
@click.argument("project")
@click.argument("email")
@json_option
def add(project: str, email: str, as_json: bool) -> None:
    """Make EMAIL, who has an account, a member of PROJECT."""
    with open_context(load_settings()).database.write() as session:
        held = locked_project(session, project_by_key(session, project).id)
        account = add_member(session, held, email, by=BY)
    _tell(project, account.email, "is a member now", as_json=as_json)


@members.command()
@click.argument("project")
@click.argument("email")
@json_option
def remove(project: str, email: str, as_json: bool) -> None:
    """Take EMAIL out of PROJECT; what they annotated stays."""
    with open_context(load_settings()).database.write() as session:
        held = locked_project(session, project_by_key(session, project).id)
        number = existing_account(session, email).id
        account = remove_member(session, held, number, by=BY)
    _tell(project, account.email, "is no member any more", as_json=as_json)


def _tell(project: str, email: str, done: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"project": project, "email": email})
    else:
        click.echo(f"{email} {done}")
