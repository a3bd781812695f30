"""`goldloop export`: the gold of this moment, in any format that can be written."""

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from backend.commands.json_output import json_option, print_json
from backend.commands.progress import document_bar
from backend.context import open_context
from backend.db.projects import project_by_key
from backend.db.releases import count_gold
from backend.db.session import Database
from backend.settings import load_settings
from backend.workflow.formats.format import ExportDocument, WriteOptions
from backend.workflow.formats.registry import writable_format
from backend.workflow.release import gold_lines, gold_records
from backend.workflow.releases.export import Exported, export_documents
from ml_backend.contract.entity import Entity

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
    if format_name == JSONL:
        exported = Exported(export_gold(database, project, out))
    else:
        exported = _export_as(database, project, out, format_name)
    tell(exported, out, as_json=as_json)


def export_gold(database: Database, project_key: str, out: Path) -> int:
    """Write the gold of a project to a file that appears when it is complete; documents."""
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    count = 0
    try:
        with database.read() as session, partial.open("wb") as file:
            for line in gold_lines(session, project_by_key(session, project_key).id):
                file.write(line)
                count += 1
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return count


def tell(exported: Exported, out: Path, *, as_json: bool = False) -> None:
    """Say what was written and lost; exit status 2 when the format could not hold all of it."""
    if as_json:
        print_json({**asdict(exported), "file": out})
        raise SystemExit(2 if exported.losses else 0)
    click.echo(f"{exported.documents} gold documents written to {out}")
    if not exported.losses:
        return
    for loss in exported.first_losses:
        click.echo(f"  lost: {loss}", err=True)
    if exported.losses > len(exported.first_losses):
        click.echo(f"  and {exported.losses - len(exported.first_losses)} more", err=True)
    click.echo(
        f"{exported.losses} things that this format cannot hold were left out: "
        f"{exported.losses_file}",
        err=True,
    )
    raise SystemExit(2)


def _export_as(database: Database, project_key: str, out: Path, format_name: str) -> Exported:
    format = writable_format(format_name)
    with database.read() as session, document_bar() as bar:
        project = project_by_key(session, project_key)
        shown = bar.add_task("export", total=count_gold(session, project.id))
        return export_documents(
            _documents(gold_records(session, project.id)),
            format,
            out,
            WriteOptions(labels=tuple(project.labels), label_config=project.label_config),
            advance=lambda documents: bar.advance(shown, documents),
        )


def _documents(records: Iterator[dict[str, object]]) -> Iterator[ExportDocument]:
    for record in records:
        text, entities, meta = record["text"], record["entities"], record["meta"]
        assert isinstance(text, str)
        assert isinstance(entities, list)
        assert isinstance(meta, dict)
        found = [Entity.from_dict(entity, length=len(text)) for entity in entities]
        yield ExportDocument(str(record["id"]), text, found, meta)
