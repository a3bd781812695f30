"""`goldloop shared`: documents that several annotate, and that wait for somebody."""

import click

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.projects import project_by_key
from backend.db.sharing import waiting
from backend.db.versions import locked_project
from backend.settings import load_settings
from backend.workflow.annotators.waiting import ask_again, ask_no_more

BY = "command line"

_documents = click.argument("documents", nargs=-1, required=True, type=click.IntRange(1))


@click.group()
def shared() -> None:
    """Shared documents: those that wait for an annotator, settled, or asked for again."""


@shared.command("list")
@click.argument("project")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1))
@json_option
def list_waiting(project: str, limit: int, as_json: bool) -> None:
    """List the documents of PROJECT, by number, that somebody has annotated and others have not."""
    with open_context(load_settings()).database.read() as session:
        found = waiting(session, project_by_key(session, project).id, limit)
    if as_json:
        print_json({"waiting": found})
        return
    for number in found:
        click.echo(number)


@shared.command()
@click.argument("project")
@_documents
@json_option
def settle(project: str, documents: tuple[int, ...], as_json: bool) -> None:
    """Wait no more for others: what has been said of DOCUMENTS is enough."""
    with open_context(load_settings()).database.write() as session:
        held = locked_project(session, project_by_key(session, project).id)
        settled = ask_no_more(session, held, documents, BY)
    if as_json:
        told = [{"document": one, "annotators": its} for one, its in settled.items()]
        print_json({"settled": told})
        return
    for number, annotators in settled.items():
        click.echo(
            f"{number} is settled; undo: goldloop shared wait {project} {number} "
            f"--annotators {annotators}"
        )


@shared.command()
@click.argument("project")
@_documents
@click.option("--annotators", required=True, type=click.IntRange(2), help="of each document")
@json_option
def wait(project: str, documents: tuple[int, ...], annotators: int, as_json: bool) -> None:
    """Let DOCUMENTS wait for so many annotators again."""
    with open_context(load_settings()).database.write() as session:
        held = locked_project(session, project_by_key(session, project).id)
        count = ask_again(session, held, dict.fromkeys(documents, annotators), BY)
    if as_json:
        print_json({"documents": list(documents), "annotators": annotators})
    else:
        click.echo(f"{count} documents wait for {annotators} annotators")
