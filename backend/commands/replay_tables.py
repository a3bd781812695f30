"""What came of a replay, on the terminal."""

from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from backend.workflow.replay.folder import Replay
from backend.workflow.replay.report import OF_FULL

PAGE_WIDTH = 160  # characters, where it is no terminal that is written to


def show_replay(replay: Replay, report: Mapping[str, Any] | None) -> None:
    """A row a strategy, best first, and the recommendation."""
    if report is None:
        click.echo("nothing to compare yet: random and another strategy must have come a round on")
        return
    table = Table(
        "strategy",
        f"mean F1 over {report['cost']}",
        "gain over random",
        "last F1",
        "documents",
        "entities",
        "edits",
        "minutes",
        "edits saved",
        caption=f"documents to minutes: until {OF_FULL:.0%} of the F1 of the whole pool, "
        f"{_number(report['full_f1'], 4)}",
    )
    for row in report["rows"]:
        needed = row["needed"]
        table.add_row(
            row["strategy"],
            _mean(row["area"]),
            _mean(row["gain"], sign=True),
            _mean(row["last_f1"]),
            *(_number(needed[name], 0) for name in ("documents", "entities", "edits", "seconds")),
            f"{row['saved']:.0%}",
        )
    console = Console()
    if not console.is_terminal:
        console.width = PAGE_WIDTH
    console.print(table)
    click.echo(
        f"recommended: {report['recommended']}. {report['reason']}\n"
        f"curves: {replay.path / 'curves.png'}, {replay.path / 'report.json'}, "
        f"{replay.path / 'runs'}/*/curve.jsonl"
    )


def _mean(mean: Mapping[str, float | None] | None, *, sign: bool = False) -> str:
    if mean is None or mean["value"] is None:
        return "–"
    value = f"{mean['value']:+.4f}" if sign else f"{mean['value']:.4f}"
    if mean["low"] is None or mean["high"] is None:
        return value
    return f"{value} ± {(mean['high'] - mean['low']) / 2:.4f}"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
