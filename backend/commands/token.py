"""`goldloop token`: tokens of the API, made, listed, revoked."""

from datetime import timedelta
from typing import Any

import click

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.accounts import existing_account
from backend.db.api_tokens import listed_tokens
from backend.db.scopes import WHAT_SCOPES_ALLOW, Scope
from backend.db.tables import now
from backend.settings import load_settings
from backend.workflow.projects.accounts import end_token, give_token

BY = "command line"


@click.group()
def token() -> None:
    """Tokens that programs show to the API: made, listed, revoked."""


@token.command()
@click.argument("email")
@click.option("--name", required=True, help="what it is for")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="what it may do; again for more",
)
@click.option("--days", default=90, show_default=True, type=click.IntRange(0), help="0: for ever")
@json_option
def make(email: str, name: str, scopes: tuple[str, ...], days: int, as_json: bool) -> None:
    """Make a token that acts for EMAIL and print it: nobody can show it again."""
    with open_context(load_settings()).database.write() as session:
        made, shown = give_token(
            session,
            existing_account(session, email),
            name,
            [Scope(scope) for scope in scopes],
            by=BY,
            expires_at=now() + timedelta(days=days) if days else None,
        )
    if as_json:
        print_json({"id": made.id, "token": shown, "expires_at": made.expires_at})
    else:
        click.echo(shown)


@token.command("list")
@json_option
def list_tokens(as_json: bool) -> None:
    """List every token: for whom it acts, what it may do, and whether it is live."""
    with open_context(load_settings()).database.read() as session:
        rows: list[dict[str, Any]] = [
            {
                "id": one.token.id,
                "name": one.token.name,
                "account": one.email,
                "state": one.state,
                "scopes": one.token.scopes,
                "expires_at": one.token.expires_at,
                "last_used_at": one.token.last_used_at,
            }
            for one in listed_tokens(session)
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        words = (row["id"], row["state"], row["account"], row["name"], " ".join(row["scopes"]))
        click.echo("\t".join(map(str, words)))


@token.command()
@click.argument("number", type=click.IntRange(1))
@json_option
def revoke(number: int, as_json: bool) -> None:
    """Let token NUMBER be worth nothing from now on."""
    with open_context(load_settings()).database.write() as session:
        ended = end_token(session, number, by=BY)
    if as_json:
        print_json({"id": ended.id, "revoked_at": ended.revoked_at})
    else:
        click.echo(f"token {ended.name} is worth nothing any more")


@token.command()
@json_option
def scopes(as_json: bool) -> None:
    """List what a token may be allowed."""
    if as_json:
        print_json({scope.value: meaning for scope, meaning in WHAT_SCOPES_ALLOW.items()})
        return
    for scope, meaning in WHAT_SCOPES_ALLOW.items():
        click.echo(f"{scope.value}\t{meaning}")
