"""`goldloop replays`: strategies tried on a project's own gold, by workers."""

from typing import Any

import click

from backend.api.rest.replays import told_of
from backend.commands.json_output import json_option, print_json
from backend.commands.replay_tables import show_replay
from backend.context import Context, open_context
from backend.db.projects import project_by_key
from backend.loop import project_replays
from backend.settings import load_settings
from backend.workflow.replay.config import DEFAULT_STRATEGIES, ReplayConfig
from backend.workflow.replay.folder import Replay
from backend.workflow.replay.points import COSTS
from backend.workflow.replay.report import report

BY = "command line"

_number = click.argument("number", type=click.IntRange(1))


@click.group()
def replays() -> None:
    """Replays of a project's gold: begin, list, show, cancel, go on."""


@replays.command()
@click.argument("project")
@click.option("--strategies", default=",".join(DEFAULT_STRATEGIES), show_default=True)
@click.option("--rounds", default=8, show_default=True, type=click.IntRange(1, 50))
@click.option("--batch", default=100, show_default=True, type=click.IntRange(1, 5000))
@click.option("--start", default=100, show_default=True, type=click.IntRange(20, 5000))
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--cost", default="documents", show_default=True, type=click.Choice(COSTS))
@json_option
def begin(project: str, strategies: str, as_json: bool, **asked: Any) -> None:
    """Let workers try strategies on PROJECT's gold as it is now; one replay at a time."""
    names = tuple(one.strip() for one in strategies.split(",") if one.strip())
    context = _open(project)
    begun = project_replays.ask(context, project, ReplayConfig(strategies=names, **asked), BY)
    _tell(begun, as_json=as_json)


@replays.command("list")
@click.argument("project")
@json_option
def list_replays(project: str, as_json: bool) -> None:
    """List PROJECT's replays, the newest first."""
    found = project_replays.listed(_open(project), project)
    if as_json:
        print_json([told_of(one) for one in found])
        return
    for one in found:
        _tell(one, as_json=False)


@replays.command()
@click.argument("project")
@_number
@json_option
def show(project: str, number: int, as_json: bool) -> None:
    """Show what replay NUMBER has measured so far, and what it recommends."""
    its = project_replays.find(_open(project), project, number)
    found = report(its.curves(), its.config.cost)
    record = found.to_dict() if found is not None else None
    if as_json:
        print_json({**told_of(its), "report": record})
        return
    _tell(its, as_json=False)
    show_replay(its, record)


@replays.command()
@click.argument("project")
@_number
@json_option
def cancel(project: str, number: int, as_json: bool) -> None:
    """Stop replay NUMBER after the jobs that run now; what was measured is kept."""
    context = _open(project)
    project_replays.cancel(context, project, number, BY)
    _tell(project_replays.find(context, project, number), as_json=as_json)


@replays.command("go-on")
@click.argument("project")
@_number
@json_option
def go_on(project: str, number: int, as_json: bool) -> None:
    """Let replay NUMBER, which was stopped or failed, go on where it ended."""
    context = _open(project)
    project_replays.go_on(context, project, number, BY)
    _tell(project_replays.find(context, project, number), as_json=as_json)


def _open(project: str) -> Context:
    context = open_context(load_settings())
    with context.database.read() as session:
        project_by_key(session, project)
    return context


def _tell(its: Replay, *, as_json: bool) -> None:
    record = told_of(its)
    if as_json:
        print_json(record)
        return
    far = f"{record['done']} of {record['total']} rounds"
    state = record["state"] or "under way"
    words = (record["number"], state, far, ",".join(record["strategies"]), record["reason"])
    click.echo("\t".join(map(str, words)).rstrip())
