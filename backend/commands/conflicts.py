"""`goldloop conflicts`: copies that were labelled differently, shown and decided."""

import json
from collections.abc import Sequence
from itertools import chain, islice
from typing import Any

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy.orm import Session

from backend.commands.progress import spinner
from backend.context import open_context
from backend.db.accounts import account_by_email
from backend.db.duplicates import document_named
from backend.db.projects import project_by_key
from backend.db.tables import Document, Project
from backend.db.versions import locked_project
from backend.errors import InvalidInputError
from backend.settings import load_settings
from backend.workflow.duplicates import adjudicate
from backend.workflow.duplicates.conflicts import Variant, exact_conflicts, near_conflicts
from backend.workflow.duplicates.decide_group import Decider, choose, put_together
from backend.workflow.duplicates.normal_form import project_entities
from ml_backend.contract.entity import Entity, EntityError, read_entities

BY = "command line"
SHOWN = 60  # characters of a text

json_option = click.option("--json", "as_json", is_flag=True, help="print JSON")


@click.group()
def conflicts() -> None:
    """Copies that were labelled differently, and a curator's decisions about them."""


@conflicts.command("list")
@click.argument("project")
@click.option("--kind", type=click.Choice(["exact", "near"]), help="only these")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(0), help="0: all")
@json_option
def list_conflicts(project: str, kind: str | None, limit: int, as_json: bool) -> None:
    """List the groups of copies in PROJECT whose gold differs.

    Near copies are held against each other where their texts are the same.
    """
    database = open_context(load_settings()).database
    with database.read() as session, spinner("comparing the gold of copies"):
        found = project_by_key(session, project)
        exact = list(exact_conflicts(session, found)) if kind != "near" else []
        near = list(near_conflicts(session, found)) if kind != "exact" else []
    shown = list(islice(chain(exact, near), limit or None))
    counts = {"exact": len(exact), "near": len(near)}
    if as_json:
        _print({**counts, "conflicts": [conflict.to_dict() for conflict in shown]})
        return
    table = Table("kind", "document", "votes", "differences", "text")
    for one in shown:
        votes = " : ".join(str(variant.votes) for variant in one.variants)
        told = "\n".join(_told(variant) for variant in one.variants[1:])
        table.add_row(one.kind, escape(one.name), votes, escape(told), escape(one.text[:SHOWN]))
    Console().print(table)
    click.echo(f"{len(exact)} groups of exact copies differ, {len(near)} of near ones")
    if exact:
        click.echo(f"decide with: goldloop conflicts decide {project} DOCUMENT --majority")


@conflicts.command()
@click.argument("project")
@click.argument("document")
@json_option
def show(project: str, document: str, as_json: bool) -> None:
    """Show the conflicts of DOCUMENT's copies: each variant, who made it, and what differs."""
    with open_context(load_settings()).database.read() as session:
        found = project_by_key(session, project)
        asked = document_named(session, found.id, document)
        near_ids = [asked.near_id] if asked.near_id else []
        shown = [
            *exact_conflicts(session, found, [asked.group_key]),
            *near_conflicts(session, found, near_ids),
        ]
    if as_json:
        _print({"document": document, "conflicts": [conflict.to_dict() for conflict in shown]})
        return
    if not shown:
        click.echo(f"the copies of {document} agree")
    for one in shown:
        click.echo(f"{one.kind} copies: {one.text}")
        for number, variant in enumerate(one.variants, start=1):
            who = ", ".join(variant.who)
            click.echo(f"  {number}. {variant.votes} by {who}: {', '.join(variant.documents)}")
            entities = ", ".join(f"{e['start']}-{e['end']} {e['label']}" for e in variant.entities)
            click.echo(f"     {entities or 'no entities'}")
            if variant.differences:
                click.echo(f"     against 1: {_told(variant)}")


@conflicts.command()
@click.argument("project")
@click.argument("document")
@click.option("--majority", is_flag=True, help="the variant that most have")
@click.option("--variant", type=click.IntRange(1), help="the variant of this number in `show`")
@click.option("--near", is_flag=True, help="a variant of the near copies: the others take it over")
@click.option("--like", metavar="DOCUMENT", help="the gold that this exact copy has")
@click.option("--entities", metavar="JSON", help="a list of {start, end, label}")
@click.option("--by", help="the address of the account that decides")
@click.option("--reason", default="", help="kept with the decision")
@json_option
def decide(
    project: str,
    document: str,
    majority: bool,
    variant: int | None,
    near: bool,
    like: str | None,
    entities: str | None,
    by: str | None,
    reason: str,
    as_json: bool,
) -> None:
    """Decide once what the gold of DOCUMENT's text is; every exact copy receives it.

    With --near the texts that are nearly the same take over what a variant says of the words that
    they share, and keep the rest.
    """
    if sum((majority, variant is not None, like is not None, entities is not None)) != 1:
        raise click.UsageError("give one of --majority, --variant, --like, --entities")
    if near and (like is not None or entities is not None):
        raise click.UsageError("--near goes with --majority or --variant")
    with open_context(load_settings()).database.write() as session:
        found = locked_project(session, project_by_key(session, project).id)
        asked = document_named(session, found.id, document)
        account = account_by_email(session, by) if by else None
        if by and account is None:
            raise InvalidInputError(f"there is no account {by!r}")
        who = Decider(None, by or BY, account.id if account else None, reason)
        if majority or variant is not None:
            decided = choose(session, found, asked, "near" if near else "exact", variant, who)
        else:
            wanted = _typed(entities, asked) if entities else _of(session, found, asked, str(like))
            decided = [put_together(session, found, asked, wanted, who)]
        told: list[dict[str, Any]] = [
            {
                "decision": one.adjudication.id,
                "documents": one.documents,
                "refused": one.refused,
            }
            for one in decided
        ]
    for one in told:
        if as_json:
            _print(one)
            continue
        names = ", ".join(one["documents"]) or "no document"
        click.echo(f"decision {one['decision']}: gold of {names}")
        for name, why in one["refused"].items():
            click.echo(f"  {name}: {why}", err=True)


@conflicts.command()
@click.argument("project")
@click.argument("document")
@json_option
def withdraw(project: str, document: str, as_json: bool) -> None:
    """Take the decision about DOCUMENT's text back: what people or files said is gold again."""
    with open_context(load_settings()).database.write() as session:
        found = locked_project(session, project_by_key(session, project).id)
        asked = document_named(session, found.id, document)
        left = adjudicate.withdraw(session, found, asked, made_by=BY)
    if as_json:
        _print({"documents": left})
    else:
        click.echo(f"withdrawn from {', '.join(left) or 'no document'}")


def _typed(entities: str, document: Document) -> list[Entity]:
    try:
        return read_entities(orjson.loads(entities), document.text)
    except (orjson.JSONDecodeError, EntityError, AttributeError, TypeError) as error:
        raise InvalidInputError(f"--entities: {error}") from None


def _of(session: Session, project: Project, document: Document, name: str) -> list[Entity]:
    """The gold of an exact copy, projected into a document's text."""
    other = document_named(session, project.id, name)
    if other.group_key != document.group_key:
        raise InvalidInputError(f"{name!r} is no exact copy of {document.external_id!r}")
    if other.gold is None:
        raise InvalidInputError(f"{name!r} has no gold")
    entities = read_entities(other.gold.entities, other.text)
    return _projected(project, entities, other, document)


def _projected(
    project: Project, entities: Sequence[Entity], source: Document, document: Document
) -> list[Entity]:
    casefold = bool(project.settings.get("casefold", False))
    return project_entities(entities, source.text, document.text, casefold)


def _told(variant: Variant) -> str:
    sentences = []
    for one in variant.differences:
        if one.before and one.after:
            sentences.append(f"{one.kind} {one.before} → {one.after}")
        else:
            sentences.append(f"{one.kind} {one.before or one.after}")
    return "; ".join(sentences)


def _print(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
