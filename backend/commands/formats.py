"""`goldloop formats`: what can be imported and exported."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.workflow.formats.format import WritableFormat
from backend.workflow.formats.registry import FORMATS


@click.command()
@json_option
def formats(as_json: bool) -> None:
    """List every format: its name, what it is, and whether it is read and written."""
    if as_json:
        print_json(
            [
                {
                    "name": one.NAME,
                    "description": one.DESCRIPTION,
                    "extensions": one.EXTENSIONS,
                    "written": isinstance(one, WritableFormat),
                }
                for one in FORMATS
            ]
        )
        return
    table = Table("name", "what it is", "in", "out", "files", box=None, pad_edge=False)
    for format in FORMATS:
        out = "out" if isinstance(format, WritableFormat) else ""
        table.add_row(
            format.NAME, escape(format.DESCRIPTION), "in", out, " ".join(format.EXTENSIONS)
        )
    Console(width=max(140, Console().width)).print(table)
    click.echo(
        "files may be plain, gzip or zip, in UTF-8, UTF-16, CP949 or GB18030, or in a folder"
    )
