"""How the tagger's commands speak: results to stdout, all else to stderr, errors as a sentence."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from ml_backend.contract.training_config import TrainingConfigError
from ml_backend.tagger.checkpoint import CheckpointError
from ml_backend.tagger.encoders.hub import PretrainedError
from ml_backend.training.dataset import TrainingDataError
from ml_backend.training.files import FileError, RefusedLine
from ml_backend.training.fit import DivergedError
from ml_backend.training.gazetteer import GazetteerError
from ml_backend.training.vectors import VectorsError

SHOWN_REFUSALS = 20


class MistakeError(Exception):
    """What was asked for cannot be done; the message says why, for the person who asked."""


@contextmanager
def sentences() -> Iterator[None]:
    """Have errors that a person can mend end the command with a sentence and status 1."""
    try:
        yield
    except (
        CheckpointError,
        DivergedError,
        FileError,
        GazetteerError,
        MistakeError,
        PretrainedError,
        TrainingConfigError,
        TrainingDataError,
        VectorsError,
    ) as error:
        raise click.ClickException(str(error)) from error


def bars(*, quiet: bool = False) -> Progress:
    """Progress bars on stderr; none where it is no terminal, and none where `quiet`."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )


def tell_refused(refused: Sequence[RefusedLine]) -> None:
    """Name the lines that were left out, the first of them in full."""
    for line in refused[:SHOWN_REFUSALS]:
        click.echo(f"left out: {line}", err=True)
    if len(refused) > SHOWN_REFUSALS:
        click.echo(f"left out: {len(refused) - SHOWN_REFUSALS} lines more", err=True)


def print_json(record: dict[str, Any]) -> None:
    """One JSON object, on one line."""
    click.echo(json.dumps(record, ensure_ascii=False))


def tables() -> Console:
    """Where tables go: stdout, as wide as they are where it is no terminal."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 120)
