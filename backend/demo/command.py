"""`goldloop demo`: everything on this machine, from nothing to a workbench that learns."""

import signal
import time
from types import FrameType

import click
from rich.console import Console
from rich.table import Table

from backend.db.tables import Role
from backend.demo.check import check_loop
from backend.demo.corpus import sample_corpus
from backend.demo.seed import ACCOUNTS, PROJECT_KEY, make_accounts, seed
from backend.demo.stack import Stack, running_stack
from backend.settings import load_settings

LOOK_EVERY = 1.0
INTERRUPTED = 130
LOG_WIDTH = 120


@click.command()
@click.option("--check", is_flag=True, help="play one whole turn of the loop, verify it and stop")
def demo(check: bool) -> None:
    """Start everything, make a sample project, train, publish; Ctrl-C stops it all."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=LOG_WIDTH)
    for number in (signal.SIGTERM, signal.SIGHUP):  # a closed terminal leaves nothing running
        signal.signal(number, _as_interrupt)
    corpus = sample_corpus()
    try:
        with running_stack(load_settings(), console.print) as stack:
            passwords = make_accounts(stack)
            seed(stack, corpus, console)
            if check:
                check_loop(stack, corpus, console)
                return
            console.print(_addresses(stack, passwords))
            console.print("Ctrl-C stops everything; the next start continues here.")
            while True:
                stack.processes.check()
                time.sleep(LOOK_EVERY)
    except KeyboardInterrupt:
        console.print("stopped")
        if check:  # an interrupted check has verified nothing
            raise SystemExit(INTERRUPTED) from None


def _addresses(stack: Stack, passwords: dict[Role, str]) -> Table:
    table = Table(title="Goldloop is running", box=None, pad_edge=False)
    for heading in ("what", "address", "sign in as", "password"):
        table.add_column(heading, overflow="fold")  # never cut: it is there to be copied
    settings = stack.settings
    if stack.label_studio_login:
        table.add_row("Label Studio", settings.label_studio_url, *stack.label_studio_login)
    else:
        table.add_row("Label Studio", settings.label_studio_url, "your own account", "")
    for role, email in ACCOUNTS.items():
        table.add_row(f"Goldloop, {role}", settings.public_url, email, passwords[role])
    table.add_row("ML backend", f"{settings.ml_backend_url}/p/{PROJECT_KEY}", "", "")
    return table


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
