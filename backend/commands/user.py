"""`goldloop user`: the accounts of people."""

import secrets
import sys

import click

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.accounts import (
    account_by_email,
    accounts,
    existing_account,
)
from backend.db.tables import Role
from backend.errors import ConflictError
from backend.settings import load_settings
from backend.workflow.projects.accounts import add_person, change_password, give_role

BY = "command line"


@click.group()
def user() -> None:
    """People's accounts: add, list, change a role or a password."""


_from_stdin = click.option("--password-stdin", is_flag=True, help="read the password from stdin")
_generate = click.option("--generate", is_flag=True, help="make a password and print it once")


@user.command()
@click.argument("email")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]))
@click.option("--name", default="", help="as the pages show it")
@_from_stdin
@_generate
@json_option
def add(
    email: str, role: str, name: str, password_stdin: bool, generate: bool, as_json: bool
) -> None:
    """Add the account of EMAIL; asks for a password unless told where it comes from."""
    database = open_context(load_settings()).database
    with database.read() as session:
        there = account_by_email(session, email)
        if there is not None and there.password_hash is not None:
            raise ConflictError(f"there is an account of {there.email} already")
    password = _password(password_stdin, generate)
    with database.write() as session:
        account = add_person(session, email, Role(role), by=BY, password=password, name=name)
    if as_json:
        told = {"id": account.id, "email": account.email, "role": account.role}
        print_json({**told, **({"password": password} if generate else {})})
        return
    click.echo(f"{account.email} added as {account.role}")
    if generate:
        click.echo(f"password: {password}")


@user.command("list")
@json_option
def list_users(as_json: bool) -> None:
    """List the accounts: address, role, name, and whether they can sign in."""
    with open_context(load_settings()).database.read() as session:
        found = accounts(session)
        if as_json:
            names = ("id", "email", "role", "name")
            print_json(
                [
                    {
                        **{name: getattr(one, name) for name in names},
                        "can_sign_in": one.password_hash is not None,
                    }
                    for one in found
                ]
            )
            return
        for account in found:
            signs_in = "" if account.password_hash else "no password: cannot sign in"
            click.echo(f"{account.email}\t{account.role}\t{account.name}\t{signs_in}".rstrip())


@user.command()
@click.argument("email")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@json_option
def role(email: str, role: str, as_json: bool) -> None:
    """Give EMAIL another ROLE; tokens of theirs lose what it does not allow."""
    with open_context(load_settings()).database.write() as session:
        number = existing_account(session, email).id
        account = give_role(session, number, Role(role), by=BY, own="")
    if as_json:
        print_json({"email": account.email, "role": account.role})
    else:
        click.echo(f"{account.email} has the role {account.role} now")


@user.command()
@click.argument("email")
@_from_stdin
@_generate
@json_option
def password(email: str, password_stdin: bool, generate: bool, as_json: bool) -> None:
    """Change the password of EMAIL; every session of theirs ends."""
    database = open_context(load_settings()).database
    with database.read() as session:
        existing_account(session, email)
    new = _password(password_stdin, generate)
    with database.write() as session:
        change_password(session, email, new, by=BY)
    if as_json:
        print_json({"email": email, **({"password": new} if generate else {})})
        return
    click.echo(f"the password of {email} was changed; open sessions have ended")
    if generate:
        click.echo(f"password: {new}")


def _password(from_stdin: bool, generate: bool) -> str:
    if generate:
        return secrets.token_urlsafe(12)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
