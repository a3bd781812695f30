"""`goldloop formats`: what can be imported and exported."""

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.workflow.formats.format import WritableFormat
from backend.workflow.formats.registry import FORMATS


@click.command()
def formats() -> None:
    """List every format: its name, what it is, and whether it is read and written."""
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
