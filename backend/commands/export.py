"""`goldloop export`: the gold of this moment, in any format that can be written."""

from dataclasses import asdict
from pathlib import Path

import click

from backend.commands.json_output import json_option, print_json
from backend.commands.progress import documents_counted
from backend.context import open_context
from backend.db.projects import project_by_key
from backend.db.releases import count_gold
from backend.db.session import Database
from backend.loop.releases import one_moment
from backend.settings import load_settings
from backend.workflow.formats.format import WriteOptions
from backend.workflow.formats.registry import writable_format
from backend.workflow.release import gold_records, line_of
from backend.workflow.releases.export import Advance, Exported, export_documents, write_lines

JSONL = "jsonl"


@click.command()
@click.argument("project")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "format_name", default=JSONL, metavar="NAME", help="jsonl unless given")
@json_option
def export(project: str, out: Path, format_name: str, as_json: bool) -> None:
    """Write PROJECT's gold as it is now, every entity verified against its text.

    `goldloop release create` freezes it.
    """
    database = open_context(load_settings()).database
    with database.read() as session:
        total = count_gold(session, project_by_key(session, project).id)
    with documents_counted("export", total, f"nothing was written to {out}") as advance:
        exported = export_gold(database, project, out, format_name, advance)
    tell(exported, out, as_json=as_json)


def export_gold(
    database: Database,
    project_key: str,
    out: Path,
    format_name: str = JSONL,
    advance: Advance = lambda documents: None,
) -> Exported:
    """Write the gold of a project, as one moment saw it, to a file that appears when complete.

    JSON Lines also say of each document whose gold it is; other formats hold what they can.
    """
    format = writable_format(format_name)
    with one_moment(database) as session:
        project = project_by_key(session, project_key)
        records = gold_records(session, project)
        if format_name == JSONL:
            return write_lines(map(line_of, records), out, advance)
        options = WriteOptions(labels=tuple(project.labels), label_config=project.label_config)
        documents = (record.to_export() for record in records)
        return export_documents(documents, format, out, options, advance=advance)


def tell(exported: Exported, out: Path, *, as_json: bool = False) -> None:
    """Say what was written and lost; exit status 2 when the format could not hold all of it."""
    if as_json:
        print_json({**asdict(exported), "file": out})
        raise SystemExit(2 if exported.losses else 0)
    click.echo(f"{exported.documents} gold documents written to {out}")
    if not exported.losses:
        return
    for reason, documents in exported.beside.items():
        click.echo(f"  lost of {documents} documents: {reason}", err=True)
    for loss in exported.first_losses:
        click.echo(f"  lost: {loss}", err=True)
    more = exported.losses - sum(exported.beside.values()) - len(exported.first_losses)
    if more:
        click.echo(f"  and {more} more", err=True)
    click.echo(
        f"{exported.losses} things that this format cannot hold were left out: "
        f"{exported.losses_file}",
        err=True,
    )
    raise SystemExit(2)
