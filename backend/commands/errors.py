"""`goldloop errors`: documents whose gold is not what the champion says: list, decide, undo."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.commands.progress import spinner
from backend.commands.review import add_decisions, open_quietly
from backend.db import differences
from backend.db.differences import Wanted
from backend.db.projects import project_by_key
from backend.loop import compare_gold
from backend.workflow.review.kinds import ERRORS

SHOWN = 60  # characters of a text


@click.group("errors")
def errors_group() -> None:
    """Where champion and gold differ: compare, list, decide."""


@errors_group.command()
@click.argument("project")
@json_option
def compare(project: str, as_json: bool) -> None:
    """Compare what is new in PROJECT's gold with the champion, as far as predictions are there.

    A worker makes those that are not; the rest follows by itself.
    """
    context = open_quietly()
    with context.database.read() as session:
        number = project_by_key(session, project).id
    with spinner("comparing"):
        compared = compare_gold.advance(context, number)
    if as_json:
        print_json({"compared": compared})
    else:
        click.echo(f"{compared} documents were compared")


@errors_group.command("list")
@click.argument("project")
@click.option("--kind", default="", help="missed, spurious, boundary, label, …")
@click.option("--label", default="", help="Only of this label.")
@click.option(
    "--least", default=0.0, type=click.FloatRange(0, 1), help="The champion's confidence."
)
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 20_000))
@json_option
def list_errors(
    project: str, kind: str, label: str, least: float, limit: int, as_json: bool
) -> None:
    """The documents of PROJECT where they differ, the champion's surest first."""
    with open_quietly().database.read() as session:
        number = project_by_key(session, project).id
        found = differences.differing(session, number, Wanted(kind, label, least), None, limit)
        ids = [one.document_id for one, _ in found]
        kinds = differences.kinds_of(session, ids)
        gold = {row.document.id: row.gold for row in differences.gold_to_compare(session, ids)}
    if as_json:
        print_json(
            [
                {
                    "number": document.id,
                    "document": document.external_id,
                    "text": document.text,
                    "confidence": one.confidence,
                    "predicted": one.entities,
                    "gold": gold[document.id].entities,
                    "gold_revision": one.gold_revision,
                    "differences": [{"kind": k, "label": name} for k, name in kinds[document.id]],
                }
                for one, document in found
            ]
        )
        return
    table = Table("number", "confidence", "differences", "text", "document")
    for one, document in found:
        told = ", ".join(f"{k} {name}" for k, name in kinds[document.id])
        text = document.text[:SHOWN]
        row = (str(document.id), f"{one.confidence:.2f}", told, text, document.external_id)
        table.add_row(*map(escape, row))
    Console().print(table)


add_decisions(errors_group, ERRORS)
