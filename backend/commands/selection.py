"""`goldloop selection`: how a project's documents are chosen, and what comes next."""

import click
from rich.console import Console
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.batches import newest_batches
from backend.db.projects import project_by_key, settings_of
from backend.settings import load_settings
from backend.workflow.selection.project_cost import project_cost
from backend.workflow.selection.queue_preview import Queued, next_in_queue
from backend.workflow.strategies.mixtures import written_mixture
from backend.workflow.strategies.registry import STRATEGIES

BATCHES = 5


@click.command("selection")
@click.argument("key")
@click.option("--next", "count", default=10, show_default=True, type=click.IntRange(0, 500))
@json_option
def selection(key: str, count: int, as_json: bool) -> None:
    """Show the strategies of KEY with their weights, the cost model, batches and what is next.

    `goldloop project set KEY selection=mnlp:2+cost` changes the strategies.
    """
    with open_context(load_settings()).database.read() as session:
        project = project_by_key(session, key)
        settings = settings_of(project)
        queue = next_in_queue(session, project, count)
        batches = newest_batches(session, project.id, BATCHES)
        cost = project_cost(session, project.id)
    if as_json:
        print_json(
            {
                "selection": settings.selection,
                "random_share": settings.random_share,
                "cost": cost.to_dict(),
                "batches": [
                    {
                        "id": one.batch.id,
                        "mixture": one.batch.mixture,
                        "version": one.version,
                        "documents": one.batch.documents,
                        "at_random": one.batch.at_random,
                        "open": one.open,
                        "tab": one.batch.tab_id,
                    }
                    for one in batches
                ],
                "next": [
                    {
                        "id": one.document.external_id,
                        "queue_number": one.document.queue_number,
                        "reason": one.reason,
                        "scores": one.scores,
                    }
                    for one in queue
                ],
            }
        )
        return
    console = Console()
    table = Table("strategy", "weight", "when to use it")
    for strategy in STRATEGIES.values():
        weight = settings.selection.get(strategy.key)
        table.add_row(strategy.key, f"{weight:g}" if weight else "", strategy.when)
    console.print(table)
    console.print(
        f"{settings.random_share:.0%} of what people see is drawn at random; a document takes "
        f"{cost.document:.1f} s, {cost.character * 100:.1f} s per 100 characters, "
        f"{cost.entity:.1f} s per entity and {cost.edit:.1f} s per edit "
        f"(of {cost.documents} timed)"
    )
    for one in batches:
        console.print(
            f"batch {one.batch.id}: {one.batch.documents} documents, {one.batch.at_random} at "
            f"random, {one.open} open; {written_mixture(one.batch.mixture) or 'by chance'}"
        )
    for queued in queue:
        its = queued.document
        console.print(f"{its.queue_number} {its.external_id} {_why(queued)} {its.text[:60]!r}")


def _why(one: Queued) -> str:
    told = (key if score is None else f"{key} {score:.3g}" for key, score in one.scores.items())
    return ", ".join(told) or one.reason.replace("_", " ")
