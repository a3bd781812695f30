"""What commands show on stderr while they work, and say when they are stopped."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def document_bar() -> Progress:
    """A bar that counts documents; to be entered."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


@contextmanager
def documents_counted(
    doing: str, total: int, stopped: str, *, before: str = ""
) -> Iterator[Callable[[int], None]]:
    """A bar of so many documents; the block tells it of more, and `if_stopped` says the rest.

    `before` is what is done until the first of them.
    """
    with if_stopped(stopped), document_bar() as bar:
        shown = bar.add_task(before or doing, total=None if before else total)

        def advance(documents: int) -> None:
            bar.update(shown, description=doing, total=total, advance=documents)

        yield advance


@contextmanager
def spinner(doing: str) -> Iterator[None]:
    """Shown, with the time that has passed, while something is done that cannot be counted."""
    shown = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with shown:
        shown.add_task(doing, total=None)
        yield


@contextmanager
def if_stopped(told: str) -> Iterator[None]:
    """End with a sentence and exit status 130 when somebody presses Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"stopped: {told}", err=True)
        raise SystemExit(130) from None
