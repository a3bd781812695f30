"""Releases made, verified and compared as jobs, since each reads all of the gold.

    JOBS/releases/PROJECT/make          one at a time; asking again when it has ended begins anew
    JOBS/releases/PROJECT/verify-N
    JOBS/releases/PROJECT/compare-N-M   releases never change: what was found stays true

Each is a job folder (request.json, progress.json, cancel, result.json last): the folder is the
truth, and what a lost bell or a dead worker has left is rung again by the tick.
"""

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from backend.context import Context
from backend.db import releases
from backend.db.audit_log import record
from backend.db.projects import project_by_key
from backend.db.versions import locked_project
from backend.errors import ConflictError, GoldloopError, NotFoundError
from backend.loop.releases import make
from backend.workflow.releases.diff import difference
from backend.workflow.releases.filters import Filters, read_filters
from backend.workflow.releases.listed import against_row
from backend.workflow.releases.make import Wish
from backend.workflow.releases.manifest import read_manifest
from backend.workflow.releases.read import count_documents
from backend.workflow.releases.verify import verify_files
from ml_backend.contract.messages import DEFAULT_QUEUE, JobFolder, Progress, Result
from ml_backend.contract.model_store import write_atomically
from ml_backend.contract.reasons import reason_of

JOB = "backend.jobs.release_job"
MAKE = "make"
MOST_TOLD = 200  # faults and documents that a result names
TOLD_EVERY = 0.5  # seconds between two notes of progress
CANCELLED = Result("cancelled", "cancelled on request")


class CancelledError(Exception):
    """Somebody asked for the job to be stopped."""


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """A job as its folder tells of it; it is under way while there is no result."""

    name: str
    request: Mapping[str, Any]
    progress: Progress | None
    result: Result | None


def ask_make(context: Context, project_key: str, wish: Wish) -> None:
    """Have a release made; raises ConflictError while one is being made."""
    wanted = {
        "filters": wish.filters.to_dict(),
        "note": wish.note,
        "licence": wish.licence,
        "by": wish.made_by,
    }
    with context.database.write() as session:
        project = locked_project(session, project_by_key(session, project_key).id)
        found = job(context, project_key, MAKE)
        if found is not None and found.result is None:
            raise ConflictError(f"a release of {project_key} is being made")
        record(session, wish.made_by, "release.make", project_id=project.id, after=wanted)
        session.flush()
        _begin(context, project_key, MAKE, wanted, anew=True)  # of two at once the first
    _ring(context, project_key, MAKE)


def ask_verify(context: Context, project_key: str, number: int, by: str) -> None:
    """Have a release verified, again if it was before; raises NotFoundError."""
    with context.database.read() as session:
        releases.release_by_number(session, project_by_key(session, project_key).id, number)
    name = f"verify-{number}"
    found = job(context, project_key, name)
    if found is None or found.result is not None:
        _begin(context, project_key, name, {"number": number, "by": by}, anew=True)
    _ring(context, project_key, name)


def ask_compare(context: Context, project_key: str, before: int, after: int, by: str) -> None:
    """Have two releases compared, once; raises NotFoundError."""
    with context.database.read() as session:
        project = project_by_key(session, project_key)
        for number in (before, after):
            releases.release_by_number(session, project.id, number)
    name = compare_name(before, after)
    found = job(context, project_key, name)
    failed = found is not None and found.result is not None and found.result.state != "done"
    if found is None or failed:
        wanted = {"before": before, "after": after, "by": by}
        _begin(context, project_key, name, wanted, anew=failed)
    _ring(context, project_key, name)


def cancel(context: Context, project_key: str, name: str, by: str) -> None:
    """Stop a job: at once while it waits, at its next step while a worker is at it.

    Raises NotFoundError, and ConflictError when it has ended.
    """
    with context.database.write() as session:
        project = project_by_key(session, project_key)
        found = job(context, project_key, name)
        if found is None:
            raise NotFoundError("job about releases", name)
        if found.result is not None:
            raise ConflictError(f"the job has ended: {found.result.state}")
        record(session, by, "release.cancel", project_id=project.id, subject=name)
    folder = JobFolder(_path(context, project_key, name))
    folder.ask_to_cancel()
    if context.queue.take_out(_job_id(project_key, name)):
        folder.write_result(CANCELLED)


def compare_name(before: int, after: int) -> str:
    """The name of the job that compares two releases."""
    return f"compare-{before}-{after}"


def job(context: Context, project_key: str, name: str) -> ReleaseJob | None:
    """A job that was asked for, None when it was not."""
    folder = JobFolder(_path(context, project_key, name))
    try:
        request = orjson.loads((folder.path / "request.json").read_bytes())
    except FileNotFoundError:
        return None
    return ReleaseJob(name, request, folder.progress(), folder.result())


def run(context: Context, project_key: str, name: str) -> None:
    """Do a job, unless it is done; its result is written however it ends, and errors go on."""
    found = job(context, project_key, name)
    if found is None or found.result is not None:
        return
    folder = JobFolder(_path(context, project_key, name))
    kind = name.partition("-")[0]
    work = {"make": _make, "verify": _verify, "compare": _compare}[kind]
    if folder.cancel_asked():
        folder.write_result(CANCELLED)
        return
    try:
        figures = work(context, project_key, found.request, _telling(folder, kind))
    except CancelledError:
        folder.write_result(CANCELLED)
        return
    except GoldloopError as error:
        folder.write_result(Result("failed", str(error)))
        raise
    except Exception as error:
        folder.write_result(Result("failed", reason_of(error)))
        raise
    folder.write_result(Result("done", figures=figures))


def ring_left(context: Context) -> None:
    """Ring again what was asked for, has no result, and is not known to the queue."""
    for request in sorted((context.settings.jobs / "releases").glob("*/*/request.json")):
        name, project_key = request.parent.name, request.parent.parent.name
        job_id = _job_id(project_key, name)
        if (request.parent / "result.json").exists():
            continue
        if context.queue.failed(job_id):  # without a word: killed, and it would be again
            JobFolder(request.parent).write_result(Result("failed", "its worker died"))
        elif context.queue.knows(job_id):
            continue
        elif JobFolder(request.parent).cancel_asked():
            JobFolder(request.parent).write_result(CANCELLED)
        else:
            _ring(context, project_key, name)


def _make(
    context: Context, project_key: str, wanted: Mapping[str, Any], tell: Callable[[int, int], None]
) -> dict[str, Any]:
    with context.database.read() as session:
        total = releases.count_gold(session, project_by_key(session, project_key).id)
    filters = read_filters(wanted["filters"]) if wanted["filters"] else Filters()
    wish = Wish(wanted["by"], filters, wanted["note"], wanted["licence"])
    made = make(context.database, context.settings, project_key, wish, lambda n: tell(n, total))
    return {"number": made.release.number, "is_new": made.is_new}


def _verify(
    context: Context, project_key: str, wanted: Mapping[str, Any], tell: Callable[[int, int], None]
) -> dict[str, Any]:
    with context.database.read() as session:
        project_id = project_by_key(session, project_key).id
        row = releases.release_by_number(session, project_id, wanted["number"])
    folder, total = Path(row.folder), row.counts["documents"]
    found = verify_files(folder, advance=lambda documents: tell(documents, total))
    for fault in against_row(row, folder, found.digest):
        found.add(fault)
    return {
        "documents": found.documents,
        "entities": found.entities,
        "digest": found.digest,
        "wrong": found.wrong,
        "faults": [str(fault) for fault in found.faults[:MOST_TOLD]],
    }


def _compare(
    context: Context, project_key: str, wanted: Mapping[str, Any], tell: Callable[[int, int], None]
) -> dict[str, Any]:
    with context.database.read() as session:
        project_id = project_by_key(session, project_key).id
        before, after = (
            Path(releases.release_by_number(session, project_id, wanted[which]).folder)
            for which in ("before", "after")
        )
    total = sum(count_documents(read_manifest(folder)) for folder in (before, after))
    found = difference(before, after, lambda documents: tell(documents, total))
    told = found.to_dict()
    lists: dict[str, list[Any]] = {
        "added": found.added,
        "removed": found.removed,
        "changed": found.changed,
    }
    told["counts"] = {name: len(its) for name, its in lists.items()}
    told["counts"]["unchanged"] = found.unchanged
    told["documents"] = {name: its[:MOST_TOLD] for name, its in lists.items()}
    return told


def _telling(folder: JobFolder, stage: str) -> Callable[[int, int], None]:
    """What notes progress, as often as somebody may look; when asked to stop, CancelledError.

    Told of nothing more, it looks whatever the time: what follows cannot be stopped.
    """
    done, beat, told_at = 0, 0, 0.0

    def tell(more: int, total: int) -> None:
        nonlocal done, beat, told_at
        done += more
        if not more or time.monotonic() - told_at >= TOLD_EVERY:
            if folder.cancel_asked():
                raise CancelledError
            beat, told_at = beat + 1, time.monotonic()
            folder.write_progress(Progress(beat, stage, done, total))

    return tell


def _begin(
    context: Context, project_key: str, name: str, request: Mapping[str, Any], *, anew: bool
) -> None:
    path = _path(context, project_key, name)
    if anew:
        shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    write_atomically(path / "request.json", orjson.dumps(request))


def _ring(context: Context, project_key: str, name: str) -> None:
    job_id = _job_id(project_key, name)
    context.queue.ring(DEFAULT_QUEUE, JOB, project_key, name, job_id=job_id)


def _job_id(project_key: str, name: str) -> str:
    return f"release-{project_key}-{name}"


def _path(context: Context, project_key: str, name: str) -> Path:
    return context.settings.jobs / "releases" / project_key / name
