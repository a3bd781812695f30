"""The chunks of an autolabel run: given out, watched, stored, and taken back when it has ended.

A chunk's folder is the truth about it; see workflow/autolabels/chunks.py.
"""

import logging
import shutil
from pathlib import Path

from backend.context import Context
from backend.db import autolabels, versions
from backend.db.leases import Held
from backend.db.tables import Project, Version, now
from backend.db.tables_of_autolabel import (
    AutolabelChunk,
    AutolabelRun,
    AutolabelRunState,
    Promise,
    PromiseState,
)
from backend.workflow.autolabels import chunks as stage
from backend.workflow.autolabels.items import Proposal
from backend.workflow.autolabels.store import store
from backend.workflow.preannotate import PredictionJobError
from ml_backend.contract.messages import (
    DEFAULT_QUEUE,
    PREDICT_FILE_JOB,
    PREDICT_QUEUE,
    JobFolder,
    PredictRequest,
)

ADVANCE = "backend.jobs.advance_autolabel"
LABEL_COPIES = "backend.jobs.label_copies"
LEAST_OUT = 3  # chunks given out at once; two a worker where there are more workers
MOST_OUT = 64

log = logging.getLogger(__name__)


def feed(
    context: Context,
    run: AutolabelRun,
    project: Project,
    version: Version,
    out: list[AutolabelChunk],
) -> bool:
    """Give out one more chunk if workers may soon want it; whether one was."""
    busy = sum(1 for chunk in out if JobFolder(Path(chunk.folder)).result() is None)
    if busy >= _wanted(context):
        return False
    with context.database.read() as session:
        texts = stage.next_texts(session, run, project, version)
    if not texts:
        return False
    folder = JobFolder(stage.folder_of(context.settings.jobs, run.id) / str(texts[0][0]))
    request = PredictRequest(project.key, version.name, str(context.models.root))
    shutil.rmtree(folder.path, ignore_errors=True)  # of a chunk that was never noted
    stage.write_job(folder, request, texts)
    with context.database.write() as session:
        row = session.get_one(AutolabelRun, run.id, with_for_update=True)
        if row.state != AutolabelRunState.RUNNING:
            return False
        chunk = stage.add_chunk(row, folder, texts)
        session.add(chunk)
    _ring(context, run.id, chunk)
    return True


def collect(context: Context, held: Held, run: AutolabelRun, chunk: AutolabelChunk) -> bool:
    """Store a chunk that is done, or see to one that is not; whether anything came of it.

    Raises PredictionJobError for one that failed, or whose workers died, ATTEMPTS times.
    """
    folder = JobFolder(Path(chunk.folder))
    if not (folder.path / "request.json").exists():
        return _forget(context, chunk)  # a later pass finds its documents again
    result = folder.result()
    if result is None:
        return _watch(context, run.id, chunk, folder)
    if result.state == "cancelled":  # by a pause
        return _again(context, run.id, chunk, folder, failed=False)
    held.renew()
    try:
        for proposals in stage.read_proposals(folder):
            _store(context, run, proposals)
    except (PredictionJobError, OSError) as error:
        if chunk.attempts + 1 >= stage.ATTEMPTS:
            raise PredictionJobError(str(error)) from error
        log.warning("event=autolabel_chunk_failed run=%d reason=%r", run.id, str(error))
        return _again(context, run.id, chunk, folder)
    return _forget(context, chunk)


def clear(context: Context, run_id: int) -> None:
    """Stop the chunks of a run that has ended, and remove what is left of them."""
    with context.database.read() as session:
        out = autolabels.chunks_of(session, run_id)
    for chunk in out:
        stop(chunk)
    if out:
        with context.database.write() as session:
            for chunk in autolabels.chunks_of(session, run_id):
                session.delete(chunk)
    shutil.rmtree(stage.folder_of(context.settings.jobs, run_id), ignore_errors=True)


def stop(chunk: AutolabelChunk) -> None:
    folder = JobFolder(Path(chunk.folder))
    if folder.path.exists():
        folder.ask_to_cancel()


def _wanted(context: Context) -> int:
    """How many chunks shall be out: each worker has one more to take when it is done."""
    workers = context.queue.working(PREDICT_QUEUE)
    return min(MOST_OUT, max(LEAST_OUT, 2 * workers + 1))


def _ring(context: Context, run_id: int, chunk: AutolabelChunk) -> None:
    job_id = _job_id(run_id, chunk)
    if context.queue.ring(PREDICT_QUEUE, PREDICT_FILE_JOB, chunk.folder, job_id=job_id):
        context.queue.ring(DEFAULT_QUEUE, ADVANCE, run_id, after=job_id)


def _job_id(run_id: int, chunk: AutolabelChunk) -> str:
    return f"autolabel-{run_id}-{chunk.number}-{chunk.attempts}"


def _store(context: Context, run: AutolabelRun, proposals: list[Proposal]) -> None:
    """Store some documents' proposals, in one short transaction."""
    with context.database.write() as session:
        project = versions.locked_project(session, run.project_id)
        row = session.get_one(AutolabelRun, run.id, with_for_update=True)
        if row.state not in autolabels.ACTIVE:
            return
        version = session.get_one(Version, row.version_id)
        if row.promise_id is None:
            stage.store_certify(session, version.id, proposals)
            return
        promise = session.get_one(Promise, row.promise_id)
        rule = promise if promise.state == PromiseState.IN_FORCE else None
        by = f"run {run.id}"
        stored = store(session, project, version, rule, proposals, by, now())
        row.done += stored.items
    if stored.accepted:
        job_id = f"{LABEL_COPIES}-{run.project_id}"
        context.queue.ring(DEFAULT_QUEUE, LABEL_COPIES, run.project_id, job_id=job_id)


def _watch(context: Context, run_id: int, chunk: AutolabelChunk, folder: JobFolder) -> bool:
    """See whether a chunk's worker is alive; ring again for one that died, or for a lost bell."""
    before = (chunk.beat, chunk.lease_until)
    died = stage.look(chunk, folder, now(), context.settings.lease_seconds)
    if died:
        log.warning("event=prediction_worker_died run=%d chunk=%d", run_id, chunk.number)
        if chunk.attempts + 1 >= stage.ATTEMPTS:
            died_of = f"the workers of chunk {chunk.number} died {stage.ATTEMPTS} times"
            raise PredictionJobError(died_of)
        return _again(context, run_id, chunk, folder)
    if (chunk.beat, chunk.lease_until) != before:
        with context.database.write() as session:
            row = session.get(AutolabelChunk, chunk.id)
            if row is not None:
                row.beat, row.lease_until = chunk.beat, chunk.lease_until
    elif chunk.lease_until is None and not context.queue.knows(_job_id(run_id, chunk)):
        _ring(context, run_id, chunk)
    return False


def _again(
    context: Context,
    run_id: int,
    chunk: AutolabelChunk,
    folder: JobFolder,
    *,
    failed: bool = True,
) -> bool:
    """Ring for a chunk anew; nothing has come of it so far."""
    with context.database.write() as session:
        row = session.get(AutolabelChunk, chunk.id)
        if row is None or session.get_one(AutolabelRun, run_id).state != AutolabelRunState.RUNNING:
            return False
        stage.begin_anew(row, folder, failed=failed)
    _ring(context, run_id, row)
    return False


def _forget(context: Context, chunk: AutolabelChunk) -> bool:
    """A chunk that is stored, or whose folder is lost, is no chunk any more."""
    with context.database.write() as session:
        row = session.get(AutolabelChunk, chunk.id)
        if row is not None:
            session.delete(row)
    shutil.rmtree(chunk.folder, ignore_errors=True)
    return True
