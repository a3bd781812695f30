"""`goldloop release`: gold frozen, numbered, named by its content, verified, compared, exported."""

from datetime import datetime
from pathlib import Path
from shutil import copyfileobj
from typing import Any

import click
import orjson

from backend.commands.export import tell
from backend.commands.json_output import json_option, print_json
from backend.commands.progress import documents_counted, if_stopped
from backend.commands.release_tables import show_difference, show_releases
from backend.context import open_context
from backend.db import releases
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables_of_releases import Release
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.loop import release_jobs
from backend.loop.releases import changed_files, make
from backend.settings import load_settings
from backend.workflow.folder_archive import tar_of
from backend.workflow.formats.format import WriteOptions
from backend.workflow.formats.registry import writable_format
from backend.workflow.releases.content import SPLITS
from backend.workflow.releases.diff import difference
from backend.workflow.releases.export import Advance, export_documents
from backend.workflow.releases.filters import read_filters
from backend.workflow.releases.listed import against_row
from backend.workflow.releases.make import Wish
from backend.workflow.releases.manifest import file_of_release, read_manifest
from backend.workflow.releases.read import count_documents, released_documents
from backend.workflow.releases.verify import Fault, verify_files
from backend.workflow.whole_file import whole_file

SHOWN_FAULTS = 50

_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def release() -> None:
    """Freeze gold: immutable, numbered, named by its content."""


@release.command()
@click.argument("project")
@click.option("--people-only", is_flag=True, help="only gold that people gave or decided")
@click.option(
    "--min-agreement",
    type=click.FloatRange(0, 1),
    help="smallest share of a document's annotators whose entities are exactly the gold's",
)
@click.option("--label", "labels", multiple=True, help="a label to keep; again for more")
@click.option("--since", type=_DAY, help="gold changed on this day (UTC) or later")
@click.option("--until", type=_DAY, help="gold changed before this day (UTC)")
@click.option("--note", default="", help="what to say of it on its card")
@click.option("--licence", default="", help="what to say of its licence on its card")
@click.option("--by", default="command line", help="who makes it")
@json_option
def create(
    project: str,
    people_only: bool,
    min_agreement: float | None,
    labels: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    note: str,
    licence: str,
    by: str,
    as_json: bool,
) -> None:
    """Release PROJECT's gold as it is now; all of it, or what the filters take."""
    filters = read_filters(
        {
            "people_only": people_only,
            "min_agreement": min_agreement,
            "labels": labels or None,
            "since": since,
            "until": until,
        }
    )
    context = open_context(load_settings())
    with context.database.read() as session:
        total = releases.count_gold(session, project_by_key(session, project).id)
    stopped = "no release was made"
    with documents_counted("release", total, stopped, before="looking for copies") as advance:
        made = make(
            context.database,
            context.settings,
            project,
            Wish(by, filters, note, licence),
            advance,
        )
    its = made.release
    if as_json:
        print_json({**_record(its), "is_new": made.is_new})
        return
    if not made.is_new:
        click.echo(f"nothing has changed since release {its.number}: no other was made")
    counts = its.counts
    click.echo(
        f"release {its.number}: {counts['documents']} documents, {counts['entities']} entities\n"
        f"digest {its.digest}\n{its.folder}"
    )
    if made.is_new:
        click.echo(f"next: goldloop release verify {project} {its.number}")


@release.command("list")
@click.argument("project")
@json_option
def list_releases(project: str, as_json: bool) -> None:
    """List PROJECT's releases."""
    with open_context(load_settings()).database.read() as session:
        found = releases.releases(session, project_by_key(session, project).id)
    if as_json:
        print_json([_record(one) for one in found])
    else:
        show_releases(found)


@release.command()
@click.argument("project")
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="the card as JSON")
def show(project: str, number: int, as_json: bool) -> None:
    """Show the data card of a release."""
    card = _folder(project, number) / ("card.json" if as_json else "card.md")
    try:
        click.echo(card.read_text("utf-8"), nl=False)
    except FileNotFoundError as error:
        raise InvalidInputError(f"{card} is missing") from error


@release.command()
@click.argument("project", required=False)
@click.argument("number", type=int, required=False)
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="a release's folder, in place of PROJECT and NUMBER: needs no database",
)
@click.option("--against-database", is_flag=True, help="make it anew from the database, too")
@click.option("--no-near", is_flag=True, help="do not look for near copies across the splits")
@json_option
def verify(
    project: str | None,
    number: int | None,
    folder: Path | None,
    against_database: bool,
    no_near: bool,
    as_json: bool,
) -> None:
    """Prove that a release is what it says; exit status 1 and every fault named when not."""
    database, row = None, None
    if folder is None:
        if project is None or number is None:
            raise click.UsageError("give PROJECT and NUMBER, or --folder")
        database = open_context(load_settings()).database
        row = _release(database, project, number)
        folder = Path(row.folder)
    elif against_database or project is not None:
        raise click.UsageError("--folder stands alone")
    try:
        total = count_documents(read_manifest(folder))
    except InvalidInputError:
        total = 0
    with documents_counted("verify", total, "nothing was proved") as advance:
        found = verify_files(folder, near=not no_near, advance=advance)
    if row is not None and database is not None:
        for fault in against_row(row, folder, found.digest):
            found.add(fault)
        if against_database:
            with documents_counted("make anew", total, "nothing was proved") as advance:
                for fault in _against_database(database, row, advance):
                    found.add(fault)
    if as_json:
        told = {"documents": found.documents, "entities": found.entities, "digest": found.digest}
        print_json({**told, "faults": [str(one) for one in found.faults], "wrong": found.wrong})
        raise SystemExit(1 if found.wrong else 0)
    for fault in found.faults[:SHOWN_FAULTS]:
        click.echo(str(fault), err=True)
    if found.wrong > SHOWN_FAULTS:
        click.echo(f"and {found.wrong - SHOWN_FAULTS} more", err=True)
    if found.wrong:
        click.echo(f"{found.wrong} faults: this is not what was released", err=True)
        raise SystemExit(1)
    click.echo(
        f"{found.documents} documents, {found.entities} entities: every byte, entity, count and "
        f"split is right\ndigest {found.digest}"
    )
    if against_database:
        click.echo("the database gives the same digest")


@release.command()
@click.argument("project")
@click.argument("before", type=int)
@click.argument("after", type=int)
@click.option("--json", "as_json", is_flag=True, help="all of it, as JSON")
def diff(project: str, before: int, after: int, as_json: bool) -> None:
    """Say what changed from release BEFORE to release AFTER."""
    folders = _folder(project, before), _folder(project, after)
    total = sum(count_documents(read_manifest(folder)) for folder in folders)
    with documents_counted("compare", total, "nothing was compared") as advance:
        found = difference(*folders, advance)
    if as_json:
        click.echo(orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        show_difference(found)


@release.command()
@click.argument("project")
@click.argument("number", type=int)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--format", "format_name", default="jsonl", metavar="NAME", help="jsonl unless given")
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(SPLITS), help="only this; again for more"
)
@json_option
def export(
    project: str,
    number: int,
    out: Path,
    format_name: str,
    splits: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a release, or some of its splits, in any format that can be written.

    What the format cannot hold is told, and written to a file beside OUT; the exit status is 2.
    """
    format = writable_format(format_name)
    database = open_context(load_settings()).database
    with database.read() as session:
        found = project_by_key(session, project)
        folder = Path(releases.release_by_number(session, found.id, number).folder)
        label_config = found.label_config
    manifest = read_manifest(folder)
    total = count_documents(manifest, splits or SPLITS)
    with documents_counted("export", total, f"nothing was written to {out}") as advance:
        exported = export_documents(
            (one.to_export() for one in released_documents(folder, splits or SPLITS)),
            format,
            out,
            WriteOptions(labels=tuple(manifest["labels"]), label_config=label_config),
            advance=advance,
        )
    tell(exported, out, as_json=as_json)


@release.command()
@click.argument("project")
@click.argument("number", type=int)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@click.option("--file", "name", help="only this file of it, as it is")
@json_option
def download(project: str, number: int, out: Path, name: str | None, as_json: bool) -> None:
    """Write a release's folder as a tar archive, or one of its files as it is."""
    folder = _folder(project, number)
    one = None if name is None else file_of_release(folder, name)
    if out.exists():
        raise InvalidInputError(f"{out} is there already")
    with if_stopped(f"nothing was written to {out}"), whole_file(out) as file:
        if one is None:
            file.writelines(tar_of(folder, f"{project}-{number}"))
        else:
            with one.open("rb") as its:
                copyfileobj(its, file)
    if as_json:
        print_json({"out": str(out), "bytes": out.stat().st_size})
    else:
        click.echo(f"{out}: {out.stat().st_size:,} bytes")


@release.command()
@click.argument("project")
@click.argument("name", metavar="make|verify-N|compare-N-M")
@click.option("--cancel", is_flag=True, help="stop it, at its next step")
@json_option
def job(project: str, name: str, cancel: bool, as_json: bool) -> None:
    """How far a job is that a page or the API asked for, and what it found; or stop it."""
    context = open_context(load_settings())
    with context.database.read() as session:
        project_by_key(session, project)
    if cancel:
        release_jobs.cancel(context, project, name, "command line")
    found = release_jobs.job(context, project, name)
    if found is None:
        raise NotFoundError("job about releases", name)
    if as_json:
        print_json(found)
    elif found.result is not None:
        click.echo(
            f"{name} {found.result.state}{found.result.reason and f': {found.result.reason}'}"
        )
    elif cancel:
        click.echo(f"{name} was asked to stop")
    else:
        its = found.progress
        click.echo(f"{name}: {its.done} of {its.total} documents" if its else f"{name} waits")


def _record(release: Release) -> dict[str, Any]:
    """A release, as JSON."""
    names = ("number", "digest", "folder", "filters", "counts", "made_by", "note", "created_at")
    return {name: getattr(release, name) for name in names}


def _against_database(database: Database, row: Release, advance: Advance) -> list[Fault]:
    try:
        changed = changed_files(database, row, advance)
    except (ConflictError, InvalidInputError) as error:
        return [Fault("database", str(error))]
    if changed:
        reason = (
            f"gives another {' and '.join(changed)}: gold and labels are what they were, but not "
            "the parts, copies or data of the documents. Release them anew, and `goldloop "
            "release diff` says which"
        )
        return [Fault("database", reason)]
    return []


def _release(database: Database, project: str, number: int) -> Release:
    with database.read() as session:
        return releases.release_by_number(session, project_by_key(session, project).id, number)


def _folder(project: str, number: int) -> Path:
    return Path(_release(open_context(load_settings()).database, project, number).folder)
