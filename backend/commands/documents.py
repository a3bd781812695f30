"""`goldloop import` and `goldloop export`: documents in, gold out."""

import os
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend.context import open_context
from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.loop.copies import sort_copies
from backend.settings import load_settings
from backend.workflow.dedupe import DedupeReport
from backend.workflow.formats.reading import read_path
from backend.workflow.formats.refused import RefusedFiles
from backend.workflow.import_documents import GoldAs, ImportReport, chunks, import_lines
from backend.workflow.release import gold_lines
from ml_backend.contract.label_set import LabelSet

SHOWN_REFUSALS = 20


@click.command("import")
@click.argument("project")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--gold",
    type=click.Choice(["train", "random"]),
    help="take the files' entities as gold: for training, or drawn at random and fit to judge",
)
def import_files(project: str, files: tuple[Path, ...], gold: GoldAs | None) -> None:
    """Import FILES (JSON Lines) into PROJECT; the same file twice adds nothing."""
    database = open_context(load_settings()).database
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    reports: list[tuple[Path, ImportReport]] = []
    with bar:
        for file in files:
            shown = bar.add_task(file.name, total=_count_lines(file))

            def advance(lines: int, shown: int = int(shown)) -> None:
                bar.advance(shown, lines)  # type: ignore[arg-type]

            reports.append((file, import_file(database, project, file, gold, advance)))
        copies = set_copies_aside(database, project)
    for file, report in reports:
        _tell(file, report)
    click.echo(f"{copies.copies} copies set aside, {copies.conflicts} groups with differing gold")
    if any(report.refused for _, report in reports):
        raise SystemExit(2)


@click.command()
@click.argument("project")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def export(project: str, out: Path) -> None:
    """Write PROJECT's gold to a JSON Lines file, every entity verified against its text."""
    count = export_gold(open_context(load_settings()).database, project, out)
    click.echo(f"{count} gold documents written to {out}")


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


def import_file(
    database: Database,
    project_key: str,
    file: Path,
    gold: GoldAs | None,
    advance: Callable[[int], None] = lambda lines: None,
) -> ImportReport:
    """Import one file chunk by chunk; refused lines are also written to FILE.refused.jsonl."""
    with database.read() as session:
        project = project_by_key(session, project_key)
        project_id, labels = project.id, LabelSet(tuple(project.labels))
        casefold = settings_of(project).casefold
    report = ImportReport()
    with RefusedFiles(file) as refused:
        for chunk in chunks(read_path(file), labels, casefold=casefold):
            with database.write() as session:
                written = import_lines(session, project_id, chunk.ready, gold)
            for line in (*chunk.refused, *written.refused):
                refused.add(line)
            report.refuse(chunk.refused)
            report.add(written)
            advance(chunk.lines)
    return report


def set_copies_aside(database: Database, project_key: str) -> DedupeReport:
    """Set copies aside, to the end, and give them the gold of their originals."""
    with database.read() as session:
        project_id = project_by_key(session, project_key).id
    return sort_copies(database, project_id)


def _tell(file: Path, report: ImportReport) -> None:
    click.echo(
        f"{file}: {report.added} added, {report.already_there} already there, "
        f"{report.with_gold} with gold, {report.refused_lines} refused"
    )
    if report.entities_unused:
        click.echo(
            f"  {report.entities_unused} lines have entities that were not taken as gold; "
            "give --gold train or --gold random to take them"
        )
    for refused in report.refused[:SHOWN_REFUSALS]:
        click.echo(f"  {refused}", err=True)
    if report.refused_lines > SHOWN_REFUSALS:
        click.echo(f"  and {report.refused_lines - SHOWN_REFUSALS} more", err=True)
    if report.refused:
        click.echo(f"  all of them, to mend and import: {file}.refused.jsonl", err=True)


def _count_lines(file: Path) -> int:
    with file.open("rb") as lines:
        return sum(1 for line in lines if line.strip())
