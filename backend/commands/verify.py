"""`goldloop verify`: what must hold in a project, proved or shown to be broken."""

from collections.abc import Sequence
from pathlib import Path

import click
from sqlalchemy.orm import Session

from backend.commands.duplicates import find_near_copies
from backend.commands.json_output import json_option, print_json
from backend.commands.progress import spinner
from backend.context import open_context
from backend.db.document_counts import recount_documents, wrongly_counted
from backend.db.label_recount import differences, recount
from backend.db.projects import project_by_key
from backend.db.splits import newest_release, newest_snapshot
from backend.db.versions import locked_project
from backend.loop.near import similarity_of
from backend.settings import load_settings
from backend.workflow.duplicates.verify_splits import folder_leaks, project_leaks
from ml_backend.contract.messages import JobFolder


@click.group()
def verify() -> None:
    """Prove what must hold in a project."""


@verify.command()
@click.argument("project")
@click.option(
    "--snapshot",
    "snapshots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="the folder of a snapshot, instead of the newest",
)
@click.option(
    "--release",
    "releases",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="the folder of a release, instead of the newest",
)
@json_option
def splits(
    project: str, snapshots: tuple[Path, ...], releases: tuple[Path, ...], as_json: bool
) -> None:
    """Prove that no exact or near copies stand in different parts of PROJECT.

    Looks at the project's documents, at the newest training snapshot and at the newest release.
    Leaks are named, with exit status 1.
    """
    context = open_context(load_settings())
    if find_near_copies(context, project, quiet=True) is None:
        raise SystemExit(1)  # nothing is proved while groups are being found
    with context.database.read() as session, spinner("looking for leaks"):
        found = project_by_key(session, project)
        report = project_leaks(session, found)
        similarity = similarity_of(found)
        frozen, released = newest_snapshot(session, found.id), newest_release(session, found.id)
    if not snapshots and frozen:
        snapshots = (JobFolder(Path(frozen)).snapshot,)
    if not releases and released:
        releases = (Path(released),)
    with spinner("looking for leaks in snapshots and releases"):
        folder_leaks(report, similarity, snapshots, releases)
    if as_json:
        print_json(report.to_dict())
    else:
        for line in report.lines():
            click.echo(line, err=not report.holds)
    if not report.holds:
        raise SystemExit(1)


@verify.command()
@click.argument("project")
@click.option("--mend", is_flag=True, help="set the counts right instead of only telling")
@json_option
def counts(project: str, mend: bool, as_json: bool) -> None:
    """Count PROJECT's labels and documents anew; a count that was kept wrong is told, with exit
    status 1.
    """
    database = open_context(load_settings()).database
    with database.read() as session, spinner("counting"):
        project_id = project_by_key(session, project).id
        found = [*map(str, differences(session, project_id)), *_miscounted(session, project_id)]
    if found and mend:
        with database.write() as session, spinner("counting anew"):
            locked_project(session, project_id)
            found = [*_miscounted(session, project_id), *map(str, recount(session, project_id))]
            recount_documents(session, project_id)
    if as_json:
        print_json({"wrong": found, "mended": bool(found) and mend})
    else:
        _tell_counts(found, mend)
    if found and not mend:
        raise SystemExit(1)


def _tell_counts(found: Sequence[str], mend: bool) -> None:
    for difference in found:
        click.echo(difference)
    if not found:
        click.echo("every count of labels and documents is right")
    elif mend:
        click.echo(f"{len(found)} counts set right")
    else:
        click.echo(f"{len(found)} counts are wrong; mend them with --mend", err=True)


def _miscounted(session: Session, project_id: int) -> list[str]:
    return [
        f"documents, {state}: {kept} are kept, {there} are there"
        for state, (kept, there) in wrongly_counted(session, project_id).items()
    ]
