"""Bulk predictions: asked of the prediction worker by a job folder, then kept by us."""

import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend.context import Context
from backend.db import pool
from backend.db.tables import Document
from backend.workflow import preannotate
from backend.workflow.preannotate import PLAIN
from backend.workflow.selection.candidates import Scoring
from backend.workflow.selection.keep_scores import keep_scores
from backend.workflow.selection.vectors import keep_vectors
from ml_backend.contract.messages import DEFAULT_QUEUE, PREDICT_FILE_JOB, PREDICT_QUEUE, JobFolder

KEPT_SECONDS = 2 * 86400
ARRAYS_NAME = 16  # characters at the end of a folder's name: which question it answers

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The job of ours that goes on when the predictions are there."""

    job: str
    argument: int
    pause_after_failure: float = 0.0  # seconds; every tick asks again, and a model loads slowly


def have(
    context: Context,
    project_key: str,
    version_id: int,
    version: str,
    documents: Sequence[Document],
    follow_up: FollowUp,
    scoring: Scoring = PLAIN,
) -> bool:
    """Whether these documents' predictions are kept now; if not, they are being made.

    With them is kept what `scoring` asks for, the vectors in the model store.

    Raises PredictionJobError when they cannot be made; the next call after the pause begins anew.
    """
    if not documents:
        return True
    folder = preannotate.job_folder(
        context.settings.jobs,
        project_key,
        version,
        (document.id for document in documents),
        scoring,
    )
    result = folder.result()
    if result is None:
        if _silence(_failure_of(folder)) < follow_up.pause_after_failure:
            return False
        if not (folder.path / "request.json").exists():
            store = context.models.root
            preannotate.write_job(folder, project_key, version, store, documents, scoring)
        _ring(context, folder, follow_up)
        return False
    try:
        _keep(context, folder, project_key, version_id, version)
    except preannotate.PredictionJobError:
        _failure_of(folder).path.mkdir(exist_ok=True)
        _failure_of(folder).path.touch()
        raise
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)
    log.info("event=predicted project=%s version=%s %s", project_key, version, _figures(result))
    return True


def _keep(
    context: Context, folder: JobFolder, project_key: str, version_id: int, version: str
) -> None:
    """Keep what a job that ended has made: vectors first, so that no row is without its own."""
    chunks = preannotate.read_output(folder)
    arrays = None
    row = 0
    for records in chunks:
        if row == 0 and folder.vectors.exists():
            arrays = folder.path.name[-ARRAYS_NAME:]
            keep_vectors(folder, context.models.vectors_folder(project_key, version), arrays)
        ids = [int(record["id"]) for record in records]
        with context.database.write() as session:
            alive = pool.documents(session, ids)
            preannotate.store(session, version_id, records, alive)
            keep_scores(session, version_id, records, alive, arrays=arrays, first_row=row)
        row += len(records)


def drop_old(context: Context) -> int:
    """Remove the folders of prediction jobs that nobody came back for; how many."""
    dropped = 0
    jobs = context.settings.jobs
    for path in [*jobs.glob("predict-*"), *jobs.glob("compare-*")]:
        if _silence(JobFolder(path)) > KEPT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
            dropped += 1
    return dropped


def _ring(context: Context, folder: JobFolder, follow_up: FollowUp) -> None:
    """Ring the worker unless the job waits or is alive."""
    job_id = folder.path.name
    queue = context.queue
    awaited = job_id
    if queue.knows(job_id):
        if not queue.running(job_id) or _silence(folder) <= context.settings.lease_seconds:
            return
        log.warning("event=prediction_worker_died job_id=%s", job_id)
        awaited = f"{job_id}-next"
    if queue.ring(PREDICT_QUEUE, PREDICT_FILE_JOB, str(folder.path), job_id=job_id):
        queue.ring(DEFAULT_QUEUE, follow_up.job, follow_up.argument, after=awaited)


def _failure_of(folder: JobFolder) -> JobFolder:
    """An empty folder beside a job's own, as old as the job's last failure."""
    return JobFolder(folder.path.with_name(f"{folder.path.name}-failed"))


def _silence(folder: JobFolder) -> float:
    """Seconds since the job last gave a sign of life, or was asked for."""
    paths = [folder.path, folder.path / "progress.json", folder.path / "request.json"]
    return time.time() - max(_changed(path) for path in paths)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _figures(result: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in result.figures.items())
