"""`goldloop doubts`: gold that may be wrong, looked for, listed and decided about."""

import statistics
import time
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.commands.review import BY, add_decisions, open_quietly
from backend.context import Context
from backend.db import doubts
from backend.db.doubts import WantedDoubts
from backend.db.projects import project_by_key
from backend.db.tables_of_doubts import ACTIVE_DOUBT_RUNS, DoubtRun, DoubtRunState
from backend.errors import GoldloopError
from backend.loop import doubts as looking
from backend.workflow.review.kinds import DOUBTS
from ml_backend.contract.messages import JobFolder

POLL_EVERY = 0.5  # seconds


@click.group("doubts")
def doubts_group() -> None:
    """Gold that may be wrong: have it looked for, list it, decide."""


@doubts_group.command()
@click.argument("project")
@click.option("--wait", is_flag=True, help="Stay until the look has ended.")
@click.option("--cancel", is_flag=True, help="Stop the look that is under way.")
@json_option
def find(project: str, wait: bool, cancel: bool, as_json: bool) -> None:
    """Have all gold of PROJECT read by models that learned from the rest; workers do the work."""
    context = open_quietly()
    run = (looking.cancel if cancel else looking.ask)(context, project, BY)
    if wait and not cancel:
        run = _wait(context, run.id)
    if as_json:
        names = ("id", "state", "reason", "figures", "created_at", "finished_at")
        print_json({name: getattr(run, name) for name in names})
    elif run.state == DoubtRunState.DONE:
        f1 = statistics.mean(run.figures["f1"])
        click.echo(f"{run.figures['kept']} places of gold are in doubt; the models' F1 is {f1:.3f}")
    else:
        click.echo(f"look {run.id} {'was asked to stop' if cancel else 'has begun'}")


@doubts_group.command("list")
@click.argument("project")
@click.option("--kind", default="", help="missed, spurious, boundary, label, …")
@click.option("--label", default="", help="Only of this label.")
@click.option("--documents", is_flag=True, help="Of each document only the most doubtful place.")
@click.option("--after", default=0, type=click.IntRange(0), help="Go on after a rank.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 20_000))
@json_option
def list_doubts(
    project: str, kind: str, label: str, documents: bool, after: int, limit: int, as_json: bool
) -> None:
    """The queue of PROJECT, the most doubtful gold first."""
    with open_quietly().database.read() as session:
        number = project_by_key(session, project).id
        wanted = WantedDoubts(kind, label, documents)
        found = doubts.open_doubts(session, number, wanted, after, limit)
    names = ("id", "rank", "kind", "score", "given", "gold", "proposal", "evidence")
    if as_json:
        print_json(
            [
                {
                    **{name: getattr(doubt, name) for name in names},
                    "document": document.external_id,
                    "text": document.text,
                    "gold_revision": doubt.gold_revision,
                }
                for doubt, document in found
            ]
        )
        return
    table = Table("rank", "score", "doubt", "kind", "gold", "proposal", "document")
    for doubt, document in found:
        sides = [
            ", ".join(f"{document.text[one['start'] : one['end']]} {one['label']}" for one in side)
            for side in (doubt.gold, doubt.proposal)
        ]
        numbers = (str(doubt.rank), f"{doubt.score:.3f}", str(doubt.id))
        row = [*numbers, doubt.kind, *sides, document.external_id]
        table.add_row(*map(escape, row))
    Console().print(table)


def _wait(context: Context, run_id: int) -> DoubtRun:
    """Show how far the look is until it has ended; raises GoldloopError when it failed."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("waiting for a worker", total=None)
        while True:
            with context.database.read() as session:
                run = session.get_one(DoubtRun, run_id)
            if run.state not in ACTIVE_DOUBT_RUNS:
                break
            progress = JobFolder(Path(run.folder)).progress() if run.folder else None
            if progress is not None:
                total = progress.total or None
                bar.update(task, description=progress.stage, completed=progress.done, total=total)
            time.sleep(POLL_EVERY)
    if run.state != DoubtRunState.DONE:
        raise GoldloopError(f"look {run_id} {run.state}: {run.reason}")
    return run


add_decisions(doubts_group, DOUBTS)
