"""`--json`: what a command tells, as one JSON object (or list) on standard output, for programs."""

from typing import Any

import click
import orjson

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def print_json(record: Any) -> None:
    """Print a record on one line; times, paths and dataclasses are written as JSON has them."""
    click.echo(orjson.dumps(record, default=str).decode())
