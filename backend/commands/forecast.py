"""`goldloop forecast`: what a target F1 still needs, and how far such forecasts were right."""

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.context import open_context
from backend.db.projects import project_by_key
from backend.errors import InvalidInputError
from backend.settings import load_settings
from backend.workflow.forecasts.backtest import Backtest, Coverage, backtest, read_curves
from backend.workflow.forecasts.forecast import (
    Amount,
    Forecast,
    ProjectForecast,
    State,
    project_forecast,
)
from backend.workflow.forecasts.learning_curve import Range


@click.command()
@click.argument("project", required=False)
@click.option(
    "--target", type=float, help="an F1; without it, the next twentieth above what there is"
)
@click.option(
    "--backtest",
    "replays",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Try the forecasts on the replays below a folder instead.",
)
@json_option
def forecast(
    project: str | None, target: float | None, replays: Path | None, as_json: bool
) -> None:
    """Say how many more documents and minutes bring PROJECT to a target F1, label by label.

    A range holds four of five outcomes. It rests on the versions that PROJECT has made, of one
    encoder, head and set of labels.
    """
    if (project is None) == (replays is None):
        raise InvalidInputError("name a project, or give --backtest a folder of replays")
    if replays is not None:
        tried = backtest(read_curves(replays))
        if as_json:
            print_json(tried.to_dict())
        else:
            _tell_backtest(tried)
        return
    assert project is not None
    with open_context(load_settings()).database.read() as session:
        found = project_forecast(session, project_by_key(session, project), target)
    if as_json:
        print_json(found.to_dict())
    else:
        _tell(found)


def _tell(found: ProjectForecast) -> None:
    if found.overall.state == State.UNKNOWN:
        click.echo(
            "a forecast needs versions that learned from three different numbers of documents"
        )
        return
    table = Table(title=f"to an F1 of {found.target:g}, from {found.documents:,} documents")
    table.add_column("label")
    for title in ("F1 now", "more documents", "minutes", "F1 at most"):
        table.add_column(title, justify="right")
    table.add_column("")
    for one in (found.overall, *found.labels):
        table.add_row(one.label or "all", *_cells(one), style="" if one.label else "bold")
    Console().print(table)
    click.echo(
        f"by {found.versions} versions judged on {found.measured_on}; "
        f"{found.held_out:.0%} of the documents judge versions and teach none"
    )


def _cells(one: Forecast) -> tuple[str, ...]:
    if one.now is None or one.farthest is None:
        return ("", "", "", "", f"too little gold to judge it by ({one.support})")
    if one.state == State.REACHED:
        return (_range(one.now), "0", "0", _range(one.farthest), "reached")
    if one.state == State.OUT_OF_REACH:
        sentence = "not reachable with these labels and this model"
        return (_range(one.now), "", "", _range(one.farthest), sentence)
    sentence = f"reached with {one.chance:.0%}" if one.state == State.UNCERTAIN else ""
    return (
        _range(one.now),
        _amount(one.documents),
        _amount(one.minutes),
        _range(one.farthest),
        sentence,
    )


def _range(its: Range) -> str:
    return f"{its.middle:.3f} ({its.low:.3f} – {its.high:.3f})"


def _amount(its: Amount | None) -> str:
    if its is None:
        return "not timed"
    low, middle, high = (
        "…" if one is None else f"{one:,.0f}" for one in (its.low, its.middle, its.high)
    )
    return f"{middle} ({low} – {high})"


def _tell_backtest(tried: Backtest) -> None:
    table = Table(title=f"80 % ranges of {tried.runs} runs: how many held what came")
    table.add_column("", no_wrap=True)
    for title in ("tried", "documents", "minutes", "no end", "width"):
        table.add_column(title, justify="right")
    table.add_row("all labels", *_coverage(tried.overall), style="bold")
    table.add_row("single labels", *_coverage(tried.labels))
    for run, its in tried.by_run.items():
        table.add_row(run, *_coverage(its))
    Console().print(table)


def _coverage(its: Coverage) -> tuple[str, ...]:
    shares = ("" if one is None else f"{one:.0%}" for one in (its.documents, its.minutes, its.open))
    return (f"{its.forecasts:,}", *shares, "" if its.width is None else f"{its.width:.2f}")
