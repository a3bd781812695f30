"""`goldloop labels`: how much there is of each label, and what labels become on the way out."""

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console

from backend.commands.json_output import json_option, print_json
from backend.commands.label_tables import balance_table, changes_table, labels_table, mappings_table
from backend.context import Context, open_context
from backend.db.gold_labels import names_of_documents_with
from backend.db.label_mappings import all_mappings
from backend.db.projects import project_by_key
from backend.db.tables_of_labels import LabelMapping
from backend.db.versions import locked_project
from backend.loop.add_labels import add_labels
from backend.settings import load_settings
from backend.workflow.labels import map_labels
from backend.workflow.labels.balance import balance as balance_of
from backend.workflow.labels.label_rules import rules_of
from backend.workflow.labels.what_if import WhatIf
from backend.workflow.labels.what_if import what_if as foresee

BY = "command line"

reason_option = click.option("--reason", default="", help="kept with the mapping")


def pair(value: str) -> tuple[str, str]:
    """Two labels, given as A=B."""
    label, equals, other = value.partition("=")
    if not equals:
        raise click.BadParameter(f"give A=B, not {value!r}")
    return label, other


@click.group()
def labels() -> None:
    """Labels: their balance, new names, merges, and what these would change."""


@labels.command("list")
@click.argument("project")
@json_option
def list_labels(project: str, as_json: bool) -> None:
    """List PROJECT's labels: what each is trained as, and which are left out."""
    with _open().database.read() as session:
        rules = rules_of(session, project_by_key(session, project))
    if as_json:
        print_json({"minimum": rules.minimum, "trained": rules.labels, "left_out": rules.left_out})
        return
    Console().print(labels_table(rules))
    _suggest(rules.suggestion)


@labels.command()
@click.argument("project")
@json_option
def balance(project: str, as_json: bool) -> None:
    """Show how much gold, corrections, predictions and autolabels each label of PROJECT has."""
    with _open().database.read() as session:
        found = balance_of(session, project_by_key(session, project))
    if as_json:
        print_json(found.to_dict())
        return
    Console().print(balance_table(found))
    _suggest(found.suggestion)


@labels.command("what-if")
@click.argument("project")
@click.option("--min-support", type=click.IntRange(0), help="the minimum support; 0 for none")
@click.option(
    "--merge", "merges", multiple=True, type=pair, metavar="A=B", help="make A a part of B"
)
@click.option("--rename", "renames", multiple=True, type=pair, metavar="A=B", help="call A B")
@click.option("--documents", default=0, help="name that many of the documents that change")
@json_option
def what_if(
    project: str,
    min_support: int | None,
    merges: tuple[tuple[str, str], ...],
    renames: tuple[tuple[str, str], ...],
    documents: int,
    as_json: bool,
) -> None:
    """Show what a minimum support, merges and new names would change in PROJECT; changes nothing.

    Merges are thought done before new names.
    """
    with _open().database.read() as session:
        found = project_by_key(session, project)
        seen = foresee(session, found, min_support=min_support, merges=merges, renames=renames)
        changed = [change.label for change in seen.changes]
        named = names_of_documents_with(session, found.id, changed, documents) if documents else []
    if as_json:
        print_json({**seen.to_dict(), "document_ids": named})
        return
    Console().print(changes_table(seen))
    for name in named:
        click.echo(name)


@labels.command()
@click.argument("project")
@click.argument("pairs", metavar="A=B...", nargs=-1, required=True, type=pair)
@reason_option
@json_option
def rename(project: str, pairs: Sequence[tuple[str, str]], reason: str, as_json: bool) -> None:
    """Call label A of PROJECT B in training and releases; gold and Label Studio keep A.

    Where there is a B already, both are names of one label.
    """
    context = _open()
    with context.database.write() as session:
        found = locked_project(session, project_by_key(session, project).id)
        seen = foresee(session, found, renames=pairs)
        for label, name in pairs:
            made = map_labels.rename(session, found, label, name, by=BY, reason=reason)
            if not as_json:
                click.echo(f"mapping {made.number}: {label} is called {name}")
    _tell(seen, made, as_json=as_json)


@labels.command()
@click.argument("project")
@click.argument("pairs", metavar="A=B...", nargs=-1, required=True, type=pair)
@reason_option
@json_option
def merge(project: str, pairs: Sequence[tuple[str, str]], reason: str, as_json: bool) -> None:
    """Make label A of PROJECT a part of B in training and releases; gold keeps A."""
    context = _open()
    with context.database.write() as session:
        found = locked_project(session, project_by_key(session, project).id)
        seen = foresee(session, found, merges=pairs)
        for label, into in pairs:
            made = map_labels.merge(session, found, label, into, by=BY, reason=reason)
            if not as_json:
                click.echo(f"mapping {made.number}: {label} is a part of {into}")
    _tell(seen, made, as_json=as_json)


@labels.command()
@click.argument("project")
@click.argument("number", type=click.IntRange(0))
@reason_option
@json_option
def restore(project: str, number: int, reason: str, as_json: bool) -> None:
    """Put mapping NUMBER of PROJECT in force again, as a new version; 0 maps nothing."""
    with _open().database.write() as session:
        found = locked_project(session, project_by_key(session, project).id)
        made = map_labels.restore(session, found, number, by=BY, reason=reason)
    if as_json:
        print_json(_record(made))
    else:
        click.echo(f"mapping {made.number} is mapping {number} again")


@labels.command()
@click.argument("project")
@json_option
def mappings(project: str, as_json: bool) -> None:
    """List every version of PROJECT's mapping, who made it and when."""
    with _open().database.read() as session:
        rows = all_mappings(session, project_by_key(session, project).id)
    if as_json:
        for row in rows:
            print_json(_record(row))
        return
    Console().print(mappings_table(rows))


@labels.command()
@click.argument("project")
@click.argument("names", metavar="LABEL...", nargs=-1, required=True)
@json_option
def add(project: str, names: tuple[str, ...], as_json: bool) -> None:
    """Add labels to PROJECT and its configuration, in Label Studio too.

    All gold of before says nothing of them until its document is annotated again.
    """
    added = add_labels(_open(), project, names, by=BY)
    if as_json:
        print_json({"project": project, "added": added})
    else:
        click.echo(f"{project} has {', '.join(added)} now")


def _open() -> Context:
    return open_context(load_settings())


def _record(row: LabelMapping) -> dict[str, Any]:
    names = ("number", "mapping", "names", "made_by", "reason", "created_at")
    return {name: getattr(row, name) for name in names}


def _tell(seen: WhatIf, made: LabelMapping, *, as_json: bool) -> None:
    if as_json:
        changes = {"entities": seen.entities, "documents": seen.documents}
        print_json({**_record(made), "changes": changes})
        return
    click.echo(
        f"at the next training {seen.entities} entities in {seen.documents} documents change; "
        "gold is as it was"
    )


def _suggest(suggestion: str) -> None:
    if suggestion:
        click.echo(suggestion, err=True)
