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
from backend.context import Context, open_context
from backend.db import doubts
from backend.db.doubts import WantedDoubts
from backend.db.projects import project_by_key
from backend.db.tables_of_doubts import (
    ACTIVE_DOUBT_RUNS,
    Doubt,
    DoubtRun,
    DoubtRunState,
    DoubtVerdict,
)
from backend.db.versions import locked_project
from backend.errors import GoldloopError, NotFoundError
from backend.logs import set_up_logging
from backend.loop import doubts as looking
from backend.loop.doubts_sent import send_back
from backend.settings import load_settings
from backend.workflow import doubts_decisions
from ml_backend.contract.messages import JobFolder

POLL_EVERY = 0.5  # seconds
ASKED_BY = "command line"


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
    context = _open()
    if cancel:
        run = looking.cancel(context, project, ASKED_BY)
    else:
        run = looking.ask(context, project, ASKED_BY)
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
@click.option("--after", default=0, type=click.IntRange(0), help="Go on after a rank.")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1, 20_000))
@json_option
def list_doubts(project: str, kind: str, label: str, after: int, limit: int, as_json: bool) -> None:
    """The queue of PROJECT, the most doubtful gold first."""
    with _open().database.read() as session:
        number = project_by_key(session, project).id
        found = doubts.open_doubts(session, number, WantedDoubts(kind, label), after, limit)
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
    table = Table("rank", "doubt", "kind", "gold", "proposal", "document")
    for doubt, document in found:
        sides = [
            ", ".join(f"{document.text[one['start'] : one['end']]} {one['label']}" for one in side)
            for side in (doubt.gold, doubt.proposal)
        ]
        row = [str(doubt.rank), str(doubt.id), doubt.kind, *sides, document.external_id]
        table.add_row(*map(escape, row))
    Console().print(table)


@doubts_group.command()
@click.argument("project")
@click.argument("doubt", type=int)
@click.argument("verdict", type=click.Choice([one.value for one in DoubtVerdict]))
@json_option
def decide(project: str, doubt: int, verdict: str, as_json: bool) -> None:
    """Say of a DOUBT that the gold is right, take the proposal, or have it sent back."""
    context = _open()
    with context.database.read() as session:
        project_id = project_by_key(session, project).id
        found = session.get(Doubt, doubt)
        if found is None or found.project_id != project_id:
            raise NotFoundError("doubt", doubt)
        revision = found.gold_revision
    if verdict == DoubtVerdict.SENT:
        decision = send_back(context, project_id, doubt, revision, ASKED_BY)
    else:
        right = verdict == DoubtVerdict.GOLD
        stage = doubts_decisions.uphold if right else doubts_decisions.take
        with context.database.write() as session:
            row = locked_project(session, project_id)
            decision = stage(session, row, doubt, revision, ASKED_BY)
    if as_json:
        print_json({"decision": decision.id, "doubt": doubt, "verdict": verdict})
    else:
        click.echo(f"decision {decision.id} is kept")


@doubts_group.command()
@click.argument("project")
@click.argument("decision", type=int)
@json_option
def undo(project: str, decision: int, as_json: bool) -> None:
    """Take a DECISION back: its doubt waits again."""
    with _open().database.write() as session:
        row = locked_project(session, project_by_key(session, project).id)
        undone = doubts_decisions.undo(session, row, decision, ASKED_BY)
    if as_json:
        print_json({"decision": undone.id, "doubt": undone.doubt_id, "undone": True})
    else:
        click.echo(f"decision {decision} is taken back")


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


def _open() -> Context:
    settings = load_settings()
    set_up_logging("WARNING")
    return open_context(settings)
