"""`goldloop evidence`: what speaks for a document's pre-labels, and what against them."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.annotations import document_by_external_id
from backend.db.projects import project_by_key
from backend.errors import NotFoundError
from backend.settings import load_settings
from backend.workflow.evidence.evidence import Evidence, evidence
from backend.workflow.evidence.told import record_of


@click.command("evidence")
@click.argument("project")
@click.argument("document")
@click.option("--after", default=-1, help="go on after this offset of the text")
@json_option
def evidence_command(project: str, document: str, after: int, as_json: bool) -> None:
    """Tell what is suggested for DOCUMENT (its own id) of PROJECT, and the evidence for each.

    Nothing is told of a document that people still have to label blind.
    """
    with open_context(load_settings()).database.read() as session:
        its = project_by_key(session, project)
        found = document_by_external_id(session, its.id, document)
        if found is None:
            raise NotFoundError("document", document)
        told = evidence(session, its, found.id, after=after)
    if as_json:
        print_json(record_of(told))
    else:
        _tell(told)


def _tell(told: Evidence) -> None:
    if told.blind:
        click.echo("the document is to be labelled blind")
        return
    if told.said is None:
        click.echo("no version has said anything about this document yet")
        return
    table = Table("text", "label", "probability", "runner-up", "in gold", "people made of it", "")
    for one in told.suggestions:
        probability = one.entity.probability
        runner_up = one.runner_up
        gold = ", ".join(f"{label} {count}" for label, count in one.labels.items())
        made = ", ".join(f"{was.kind} {was.documents}" for was in one.corrections)
        table.add_row(
            escape(one.surface),
            escape(one.entity.label),
            f"{probability:.3f}" if probability is not None else "–",
            escape(f"{runner_up.label} {runner_up.probability:.3f}") if runner_up else "–",
            escape(gold) or "never",
            made or "–",
            one.fate.replace("_", " "),
        )
    Console().print(table)
    if told.after is not None:
        click.echo(f"there are more: --after {told.after}")
