"""The one console command: its commands come from the entry-point group `goldloop.commands`."""

import _thread
import signal
import sys
import threading
import time
from importlib.metadata import EntryPoint, entry_points

import click

from backend.errors import GoldloopError


class CommandGroup(click.Group):
    """Commands found by entry point; a command's module is imported when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        found = _commands().get(cmd_name)
        if found is None:
            return None
        command = found.load()
        assert isinstance(command, click.Command), found.value
        return command


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
def goldloop() -> None:
    """Goldloop: annotate, retrain, judge, publish, export gold."""


def main() -> None:
    """Run the command line; an error that a person can mend is one sentence, not a traceback."""
    sys.unraisablehook = _press_again
    try:
        goldloop()
    except GoldloopError as error:
        click.echo(f"goldloop: {error}", err=True)
        sys.exit(1)
    except Exception as error:
        from backend.db.session import lacks_tables  # noqa: PLC0415 - most commands end well

        if not lacks_tables(error):
            raise
        click.echo("goldloop: the database lacks tables; run `goldloop db upgrade`", err=True)
        sys.exit(1)


def _press_again(lost: "sys.UnraisableHookArgs") -> None:
    """Let Ctrl-C come once more where Python has only told of it: what is raised while an object
    is cleaned away stops nothing, and a database's sessions are cleaned away all the time.
    """
    if lost.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_press, ())  # here it would be lost as well
    else:
        sys.__unraisablehook__(lost)


def _press() -> None:
    time.sleep(0.01)
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    signal.pthread_kill(main_thread, signal.SIGINT)  # which wakes it when it waits


def _commands() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group="goldloop.commands")}
