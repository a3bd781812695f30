"""`goldloop import`: documents in."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from backend.commands.duplicates import find_near_copies
from backend.commands.json_output import json_option, print_json
from backend.commands.progress import if_stopped, spinner
from backend.context import open_context
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.errors import InvalidInputError
from backend.loop.copies import sort_copies
from backend.loop.import_files import HowToRead, import_file
from backend.settings import load_settings
from backend.workflow.dedupe import DedupeReport
from backend.workflow.formats.adapting import Adaptation, read_renaming
from backend.workflow.formats.reading import OpenFile
from backend.workflow.formats.registry import format_by_name
from backend.workflow.formats.source import ReadOptions
from backend.workflow.imports.groups import GoldAs
from backend.workflow.imports.report import ImportReport

SHOWN_REFUSALS = 20


@click.command("import")
@click.argument("project")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILES"
)
@click.option(
    "--gold",
    type=click.Choice(["train", "random"]),
    help="take the files' entities as gold: for training, or drawn at random and fit to judge",
)
@click.option("--format", "format_name", metavar="NAME", help="one of `goldloop formats`")
@click.option("--encoding", metavar="NAME", help="such as cp949, where it cannot be told")
@click.option("--text-column", metavar="NAME", help="the column or key that holds the text")
@click.option("--id-column", metavar="NAME", help="the column that holds the document's id")
@click.option("--tag-names", metavar="O,B-X,I-X", help="what tags that are numbers stand for")
@click.option(
    "--labels",
    metavar="A,B",
    help="the project's labels that the files annotate; the others are `not annotated here`",
)
@click.option(
    "--map",
    "renamed",
    metavar="OLD=NEW",
    multiple=True,
    help="a label of the files by the project's name; OLD= leaves its entities out",
)
@click.option("--id-prefix", default="", metavar="TEXT", help="put before the files' own ids")
@json_option
def import_files(
    project: str,
    files: tuple[Path, ...],
    gold: GoldAs | None,
    format_name: str | None,
    encoding: str | None,
    text_column: str | None,
    id_column: str | None,
    tag_names: str | None,
    labels: str | None,
    renamed: tuple[str, ...],
    id_prefix: str,
    as_json: bool,
) -> None:
    """Import FILES into PROJECT; the same file twice adds nothing.

    Files of any known format, archives and folders: format, encoding and compression are found
    out and told. What is refused is written beside the file, to be mended and imported.
    """
    how = HowToRead(
        format_by_name(format_name) if format_name else None,
        ReadOptions(encoding, text_column, id_column, _listed(tag_names)),
        Adaptation(read_renaming(renamed), _listed(labels), id_prefix),
    )
    context = open_context(load_settings())
    database = context.database
    outcomes: list[tuple[Path, ImportReport | InvalidInputError]] = []
    with if_stopped("the same command goes on from here"), _bar() as bar:
        for file in files:
            try:
                outcomes.append((file, _import(database, project, file, gold, how, bar)))
            except InvalidInputError as error:
                outcomes.append((file, error))
    with if_stopped("the same command goes on from here"), spinner("exact copies"):
        copies = set_copies_aside(database, project)
    aside = copies.copies + sum(one.copies for _, one in outcomes if isinstance(one, ImportReport))
    near = find_near_copies(context, project, quiet=True) if as_json else None
    if as_json:
        told = {"copies": aside, "conflicts": copies.conflicts, "near": near}
        print_json({"files": [_record(*one) for one in outcomes], **told})
    else:
        for file, outcome in outcomes:
            _tell(file, outcome)
        click.echo(f"{aside} copies set aside, {copies.conflicts} groups with differing gold")
        find_near_copies(context, project)
    if any(isinstance(one, InvalidInputError) or one.refused for _, one in outcomes):
        raise SystemExit(2)


def set_copies_aside(database: Database, project_key: str) -> DedupeReport:
    """Set copies aside, to the end, and give them the gold of their originals."""
    with database.read() as session:
        project_id = project_by_key(session, project_key).id
    return sort_copies(database, project_id)


def _import(
    database: Database,
    project: str,
    file: Path,
    gold: GoldAs | None,
    how: HowToRead,
    bar: Progress,
) -> ImportReport:
    shown = bar.add_task(file.name, total=None)

    def opened(found: OpenFile) -> None:
        bar.update(shown, total=found.size, description=f"{file.name} ({found})")

    return import_file(
        database,
        project,
        file,
        gold,
        how=how,
        opened=opened,
        advance_bytes=lambda count: bar.advance(shown, count),
    )


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _record(file: Path, outcome: ImportReport | InvalidInputError) -> dict[str, Any]:
    """What became of a file, as JSON."""
    if isinstance(outcome, InvalidInputError):
        return {"file": file, "error": str(outcome)}
    return {**asdict(outcome), "file": file, "refused": [str(one) for one in outcome.refused]}


def _tell(file: Path, outcome: ImportReport | InvalidInputError) -> None:
    if isinstance(outcome, InvalidInputError):
        click.echo(f"{file}: nothing imported: {outcome}", err=True)
        return
    click.echo(
        f"{file}: {outcome.read_as}: {outcome.added} added, {outcome.already_there} already "
        f"there, {outcome.with_gold} with gold, {outcome.refused_lines} refused"
    )
    if outcome.entities_unused:
        click.echo(
            f"  {outcome.entities_unused} documents have entities that were not taken as gold; "
            "give --gold train or --gold random to take them"
        )
    if outcome.other_gold:
        click.echo(
            f"  {outcome.other_gold} documents are there with other gold, which stays; with "
            "--id-prefix they come in as copies, and differences as conflicts"
        )
    for note in outcome.notes[:SHOWN_REFUSALS]:
        click.echo(f"  taken, but: {note}", err=True)
    for refused in outcome.refused[:SHOWN_REFUSALS]:
        click.echo(f"  {refused}", err=True)
    if outcome.refused_lines > SHOWN_REFUSALS:
        click.echo(f"  and {outcome.refused_lines - SHOWN_REFUSALS} more", err=True)
    for part, advice in _ADVICE.items():
        if any(part in refused.reason for refused in outcome.refused):
            click.echo(f"  {advice}", err=True)
    if outcome.to_mend:
        paths = ", ".join(map(str, outcome.to_mend))
        lines = any(path.suffix != ".jsonl" for path in outcome.to_mend)
        how = f" with --format {outcome.read_as.partition(',')[0]}" if lines else ""
        click.echo(f"  all of them, to mend and import{how}: {paths}", err=True)


_ADVICE = {
    "label not in the project": (
        "labels that the project lacks: add them (`goldloop labels add`), or give --map OLD=NEW, "
        "or --map OLD= to leave their entities out"
    ),
    "is already that of another text": (
        "files that number their documents alike are kept apart by --id-prefix"
    ),
}


def _listed(words: str | None) -> tuple[str, ...] | None:
    if words is None:
        return None
    return tuple(word.strip() for word in words.split(",") if word.strip())
