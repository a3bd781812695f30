"""`goldloop tagger`: train, evaluate, predict with and compare taggers, on files."""

from importlib import import_module

import click

# Each of them imports torch, so a command's module is imported when the command is named.
_COMMANDS = ("compare", "evaluate", "gazetteer", "options", "predict", "train", "vectors")


class CommandFiles(click.Group):
    """Commands that are each a module of this package, with a command of the same name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"ml_backend.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=CommandFiles)
def tagger() -> None:
    """Taggers on files: train, evaluate, predict, compare."""
