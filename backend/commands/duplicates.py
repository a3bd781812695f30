"""`goldloop duplicates`: near copies found, groups of copies listed, one of them shown."""

import json
from dataclasses import asdict
from typing import Any

import click
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table
from rich.text import Text

from backend.commands.progress import document_bar, if_stopped, spinner
from backend.context import Context, open_context
from backend.db import duplicates as queries
from backend.db import near
from backend.db.projects import project_by_key, settings_of
from backend.db.surveys import open_findings
from backend.loop.copies import sort_copies
from backend.loop.near import NearReport, find_near
from backend.loop.survey import take_survey
from backend.settings import load_settings
from backend.workflow.duplicates.normal_form import normal_form

SHOWN = 60  # characters of a text

json_option = click.option("--json", "as_json", is_flag=True, help="print JSON")


@click.group()
def duplicates() -> None:
    """Exact and near copies of a project's documents."""


@duplicates.command()
@click.argument("project")
@json_option
def find(project: str, as_json: bool) -> None:
    """Set exact copies of PROJECT aside and compare new documents with all for near copies.

    It runs after every import by itself. When near_threshold or casefold was changed, all groups
    of near copies are formed anew.
    """
    context = open_context(load_settings())
    with context.database.read() as session:
        project_id = project_by_key(session, project).id
    again = f"goldloop duplicates find {project} goes on from here"
    with if_stopped(again), spinner("exact copies"):
        copies = sort_copies(context.database, project_id)
    report = find_near_copies(context, project, quiet=as_json)
    if as_json:
        with context.database.read() as session:
            found = queries.totals(session, project_id)
        told: dict[str, Any] = asdict(report) if report is not None else {"busy": True}
        _print({"set_aside": copies.copies, **told, **found})


def find_near_copies(context: Context, project: str, *, quiet: bool = False) -> NearReport | None:
    """Find near copies under a progress bar and tell how many there are."""
    with context.database.read() as session:
        project_id = project_by_key(session, project).id
        total = near.count_documents(session, project_id)
    again = f"goldloop duplicates find {project} goes on from here"
    with if_stopped(f"what was compared is kept; {again}"), document_bar() as bar:
        shown = bar.add_task("near copies", total=None)

        def advance(looked_at: int, left: int) -> None:
            bar.update(shown, completed=looked_at, total=looked_at + left)

        report = find_near(context.database, context.settings.jobs, project_id, advance)
    if report is None:
        click.echo("another process is looking for near copies", err=True)
    elif not quiet:
        with context.database.read() as session:
            found = queries.totals(session, project_id)
        click.echo(
            f"{report.looked_at} of {total} documents were new; "
            f"{found['near_documents']} have near copies, in {found['near_groups']} groups"
        )
    return report


@duplicates.command()
@click.argument("project")
@json_option
def survey(project: str, as_json: bool) -> None:
    """Look over all gold and copies of PROJECT, for what pages list of them.

    It is done by itself, now and then, when something is new.
    """
    context = open_context(load_settings())
    with context.database.read() as session:
        project_id = project_by_key(session, project).id
    with spinner("looking over gold and copies"):
        taken = take_survey(context.database, project_id)
    with context.database.read() as session:
        found = open_findings(session, project_id)
    if as_json:
        _print({"busy": not taken, **{kind.value: count for kind, count in found.items()}})
        return
    if not taken:
        click.echo("another process is looking", err=True)
    click.echo(", ".join(f"{kind.replace('-', ' ')}s: {count}" for kind, count in found.items()))


@duplicates.command("list")
@click.argument("project")
@click.option("--kind", type=click.Choice(["exact", "near"]), help="only these")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1))
@json_option
def list_groups(project: str, kind: str | None, limit: int, as_json: bool) -> None:
    """List the largest groups of copies in PROJECT."""
    context = open_context(load_settings())
    found: list[queries.Group] = []
    with context.database.read() as session, spinner("counting copies"):
        project_id = project_by_key(session, project).id
        if kind != "near":
            found += queries.largest_exact(session, project_id, limit)
        if kind != "exact":
            found += queries.largest_near(session, project_id, limit)
        counted = queries.totals(session, project_id)
    if as_json:
        _print(counted | {"groups": [asdict(group) for group in found]})
        return
    table = Table("kind", "documents", "part", "document", "text")
    for group in found:
        shown = Text(group.text[:SHOWN])
        table.add_row(group.kind, str(group.documents), group.part or "", group.name, shown)
    Console().print(table)
    click.echo(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counted.items()))


@duplicates.command()
@click.argument("project")
@click.argument("document")
@json_option
def show(project: str, document: str, as_json: bool) -> None:
    """Show the copies and near copies of DOCUMENT, by the id it has in files."""
    with open_context(load_settings()).database.read() as session:
        found = project_by_key(session, project)
        casefold = settings_of(found).casefold
        asked = queries.document_named(session, found.id, document)
        rows = [
            {
                **asdict(member),
                "similarity": Levenshtein.normalized_similarity(
                    normal_form(asked.text, casefold), normal_form(member.text, casefold)
                ),
            }
            for member in queries.members(session, asked)
        ]
    if as_json:
        _print({"document": document, "members": rows})
        return
    table = Table("document", "", "similarity", "part", "gold", "text")
    for row in rows:
        kind = "canonical" if row["canonical"] and row["exact"] else ""
        kind = kind or ("copy" if row["exact"] else "near")
        table.add_row(
            str(row["name"]),
            kind,
            f"{row['similarity']:.3f}",
            str(row["part"] or ""),
            str(row["gold"] or ""),
            Text(str(row["text"])),
        )
    Console().print(table)


def _print(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
