"""`goldloop replay`: strategies of selection tried on gold in files, by a simulated annotator."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml

from backend.clients.queue import QUEUES, JobQueue
from backend.commands.json_output import json_option, print_json
from backend.commands.progress import document_bar
from backend.commands.replay_tables import show_replay
from backend.commands.replay_workers import own_workers
from backend.errors import InvalidInputError
from backend.loop.replay import ring_all, write_report
from backend.settings import load_settings
from backend.workflow.replay.config import DEFAULT_STRATEGIES, LEARNER, ReplayConfig
from backend.workflow.replay.folder import Replay
from backend.workflow.replay.gold import cut, read_gold, write_gold
from ml_backend.contract.messages import Result

LOOK_EVERY = 1.0  # seconds
SHOWN_REFUSALS = 20


@click.command()
@click.option(
    "--data",
    "files",
    required=True,
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="gold in any known format; may be given several times",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="folder of the replay; given again, the replay goes on",
)
@click.option(
    "--strategies",
    default=",".join(DEFAULT_STRATEGIES),
    show_default=True,
    metavar="A,B+C,B:2+D",
    help="to try beside random; mixtures are joined by +, weights follow a colon",
)
@click.option("--rounds", default=8, type=click.IntRange(1), show_default=True)
@click.option("--batch", default=100, type=click.IntRange(1), show_default=True, help="documents")
@click.option(
    "--start",
    default=100,
    type=click.IntRange(20),
    show_default=True,
    help="documents drawn at random that the first tagger learns from",
)
@click.option("--seeds", default=3, type=click.IntRange(1), show_default=True)
@click.option(
    "--cost",
    default="documents",
    type=click.Choice(["documents", "entities", "edits", "seconds"]),
    show_default=True,
    help="what strategies are compared by",
)
@click.option("--candidates", default=5000, type=click.IntRange(1), show_default=True)
@click.option(
    "--label-target",
    default=200,
    type=click.IntRange(1),
    show_default=True,
    help="gold entities that each label should have, for the strategy balance",
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="an option of the trainer"
)
@click.option(
    "--workers",
    default=1,
    type=click.IntRange(1),
    show_default=True,
    help="training workers to start where no worker runs",
)
@json_option
def replay(
    files: tuple[Path, ...],
    out: Path,
    strategies: str,
    settings: tuple[str, ...],
    workers: int,
    as_json: bool,
    **asked: Any,
) -> None:
    """Try strategies of selection on gold that is there, with real trainings.

    A run a strategy and seed begins with the same documents, and takes a batch a round; random
    goes on for half as many rounds again, until it is as good as others were earlier. What each
    takes a person (documents, entities, edits from the pre-labels to the gold, minutes) is counted,
    and it ends with a recommendation. Ctrl-C stops it; the same command goes on.
    """
    config = ReplayConfig(
        strategies=tuple(name.strip() for name in strategies.split(",") if name.strip()),
        learner={**LEARNER, **_options(settings)},
        **asked,
    )
    its = Replay(out)
    its.begin(config)
    if not (its.gold / "manifest.json").exists():
        _write_gold(its, files)
    its.forget_failures()
    result = its.job.result() or _go_through(its, workers)
    found = write_report(its)
    if as_json:
        print_json(
            {"folder": str(out), "state": result.state, "reason": result.reason, **(found or {})}
        )
    else:
        show_replay(its, found)
    if result.state != "done":
        raise click.ClickException(f"{result.reason}; the same command goes on")


def _options(settings: tuple[str, ...]) -> dict[str, Any]:
    chosen = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInputError(f"--set takes NAME=VALUE, not {setting!r}")
        chosen[name.strip()] = yaml.safe_load(value)
    return chosen


def _write_gold(its: Replay, files: tuple[Path, ...]) -> None:
    documents, refused = read_gold(files)
    for line in refused[:SHOWN_REFUSALS]:
        click.echo(str(line), err=True)
    if len(refused) > SHOWN_REFUSALS:
        click.echo(f"and {len(refused) - SHOWN_REFUSALS} more lines were left out", err=True)
    write_gold(its.gold, cut(documents))


def _go_through(its: Replay, workers: int) -> Result:
    """Watch over the replay until it has ended."""
    with _queue(its, workers) as queue, document_bar() as bar:
        shown = bar.add_task("rounds", total=None)
        while (result := its.job.result()) is None:
            if not queue.alive():
                raise click.ClickException("Redis does not answer; the same command goes on")
            ring_all(queue, its)
            done, total = its.far()
            bar.update(shown, completed=done, total=total)
            time.sleep(LOOK_EVERY)
        done, total = its.far()
        bar.update(shown, completed=done, total=total)
    return result


@contextmanager
def _queue(its: Replay, workers: int) -> Iterator[JobQueue]:
    """The configured queue where every part of it has a worker, or else one of the replay's own."""
    shared = JobQueue(load_settings().redis_address)
    if shared.alive() and all(shared.working(name) for name in QUEUES):
        yield shared
        return
    with own_workers(its.path / "home", workers) as queue:
        yield queue
