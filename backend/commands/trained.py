"""`goldloop models`: versions and runs listed, followed, reported, compared, downloaded."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from backend.commands.json_output import json_option, print_json
from backend.commands.progress import if_stopped
from backend.context import Context, open_context
from backend.db import versions
from backend.db.projects import project_by_key
from backend.db.runs import newest_runs
from backend.db.tables import Run, Version
from backend.errors import InvalidInputError, NotFoundError
from backend.settings import load_settings
from backend.workflow.folder_archive import tar_of
from backend.workflow.versions.report import version_difference, version_report
from backend.workflow.whole_file import whole_file
from ml_backend.contract.course import read_course
from ml_backend.contract.label_intervals import LabelIntervals
from ml_backend.contract.messages import JobFolder
from ml_backend.contract.scoring import Interval


@click.group()
def models() -> None:
    """Trained versions: list, runs, course, report, compare, download."""


@models.command("list")
@click.argument("project")
@json_option
def list_versions(project: str, as_json: bool) -> None:
    """List PROJECT's versions, the oldest first."""
    with _open().database.read() as session:
        found = versions.all_versions(session, project_by_key(session, project).id)
    if as_json:
        print_json([_record(one) for one in found])
        return
    for one in found:
        click.echo(f"{one.name}\t{one.state}\t{one.created_at.isoformat(' ', 'seconds')}")


@models.command()
@click.argument("project")
@click.option("--before", type=click.IntRange(1), help="older than the run of this number")
@click.option("--limit", default=30, show_default=True, type=click.IntRange(1))
@json_option
def runs(project: str, before: int | None, limit: int, as_json: bool) -> None:
    """List PROJECT's training runs, the newest first, each with its reason."""
    with _open().database.read() as session:
        number = project_by_key(session, project).id
        found = newest_runs(session, number, before=before, limit=limit)
    if as_json:
        names = ("id", "state", "reason", "asked_by", "options", "gate", "version_id")
        times = ("created_at", "started_at", "finished_at")
        print_json([{name: getattr(one, name) for name in (*names, *times)} for one in found])
        return
    for one in found:
        click.echo(f"{one.id}\t{one.state}\t{one.asked_by}\t{one.reason}".rstrip())


@models.command()
@click.argument("project")
@click.argument("run", type=click.IntRange(1))
@json_option
def course(project: str, run: int, as_json: bool) -> None:
    """Loss and F1 on dev over the steps of a RUN of PROJECT, while it trains too."""
    with _open().database.read() as session:
        found = session.get(Run, run)
        if found is None or found.project_id != project_by_key(session, project).id:
            raise NotFoundError("run", run)
    points = read_course(JobFolder(Path(found.folder)).course) if found.folder else []
    if as_json:
        print_json([asdict(one) for one in points])
        return
    table = Table("step", "epoch", "loss", "F1 on dev")
    for one in points:
        f1 = "" if one.dev_f1 is None else f"{one.dev_f1:.3f}"
        table.add_row(str(one.step), f"{one.epoch:.2f}", f"{one.loss:.4f}", f1)
    Console().print(table)


@models.command()
@click.argument("project")
@click.argument("version")
@json_option
def report(project: str, version: str, as_json: bool) -> None:
    """What a VERSION is worth on gold that it was not chosen by, label by label."""
    found = version_report(_version(_open(), project, version)[1])
    if found is None:
        raise NotFoundError("report of version", version)
    if as_json:
        scores, intervals = found.scores.to_dict(), found.intervals.to_dict()
        told = {"part": found.part, "documents": found.documents, "scores": scores}
        more = {"mistakes": found.mistakes, "calibration": found.calibration}
        print_json({**told, "intervals": intervals, **more})
        return
    _show(f"{version} on {found.documents} documents of {found.part} gold", found.intervals)


@models.command()
@click.argument("project")
@click.argument("first")
@click.argument("second")
@json_option
def compare(project: str, first: str, second: str, as_json: bool) -> None:
    """The scores of version SECOND less those of FIRST, on gate gold that both saw alike."""
    context = _open()
    found = version_difference(*(_version(context, project, one)[1] for one in (first, second)))
    documents = found.documents if found else 0
    if as_json:
        print_json(
            {"documents": documents, "intervals": found.intervals.to_dict() if found else None}
        )
    elif found is None:
        click.echo("there is no gate document that both were judged on")
    else:
        _show(f"{second} less {first}, on {documents} documents", found.intervals)


@models.command()
@click.argument("project")
@click.argument("version")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
@json_option
def download(project: str, version: str, out: Path, as_json: bool) -> None:
    """Write VERSION's folder in the model store as a tar archive: all that serving needs."""
    context = _open()
    _version(context, project, version)
    folder = context.models.version_folder(project, version)
    if not folder.is_dir():
        raise NotFoundError("version in the model store", version)
    if out.exists():
        raise InvalidInputError(f"{out} is there already")
    with if_stopped(f"nothing was written to {out}"), whole_file(out) as file:
        file.writelines(tar_of(folder, f"{project}-{version}"))
    if as_json:
        print_json({"out": str(out), "bytes": out.stat().st_size})
    else:
        click.echo(f"{out}: {out.stat().st_size:,} bytes")


def _open() -> Context:
    return open_context(load_settings())


def _version(context: Context, project: str, name: str) -> tuple[Version, Run | None]:
    with context.database.read() as session:
        found = versions.version_by_name(session, project_by_key(session, project).id, name)
        return found, versions.run_of_version(session, found.id)


def _record(version: Version) -> dict[str, Any]:
    return {name: getattr(version, name) for name in ("name", "state", "figures", "created_at")}


def _show(title: str, intervals: LabelIntervals) -> None:
    """The 95 % intervals, of all labels together first."""
    table = Table("label", "precision", "recall", "F1", title=title)
    for label, its in {"all": intervals.micro, **intervals.per_label}.items():
        table.add_row(label, *map(_written, (its.precision, its.recall, its.f1)))
    Console().print(table)


def _written(interval: Interval) -> str:
    return f"{interval.estimate:.3f} ({interval.low:.3f} to {interval.high:.3f})"
