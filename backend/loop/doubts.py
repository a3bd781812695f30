"""Looking for doubts: all gold is frozen, read out of fold by a training worker, and ranked."""

import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from backend.context import Context
from backend.db import doubts, versions
from backend.db.audit_log import record
from backend.db.leases import Held, lease
from backend.db.pool import chunks
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project, now
from backend.db.tables_of_doubts import ACTIVE_DOUBT_RUNS, DoubtRun, DoubtRunState
from backend.errors import ConflictError, NotFoundError
from backend.loop import near
from backend.workflow import doubts_gold, doubts_run
from backend.workflow.doubts import rank
from backend.workflow.doubts_evidence import evidence_for
from backend.workflow.label_rules import map_of
from ml_backend.contract.messages import (
    DEFAULT_QUEUE,
    DOUBTS_JOB,
    TRAIN_QUEUE,
    DoubtsRequest,
    JobFolder,
    read_jsonl,
)
from ml_backend.contract.snapshot import SnapshotError, read_part

FIND = "backend.jobs.find_doubts"
FOLDS = 5
SEED = 0  # of the folds and their training: a look is repeated exactly
STORED_AT_ONCE = 500  # doubts: annotations wait meanwhile
RENEWED_EVERY = 20.0  # seconds

Record = TypeVar("Record")

log = logging.getLogger(__name__)


def ask(context: Context, project_key: str, asked_by: str) -> DoubtRun:
    """Begin to look through all gold of a project.

    Raises ConflictError while it is looked through, and when there is too little of it.
    """
    with context.database.write() as session:
        project = versions.locked_project(session, project_by_key(session, project_key).id)
        doubts_gold.check_enough(session, project)
        run = doubts_run.open_run(session, project, asked_by)
    log.info("event=doubts_asked project=%s run=%d by=%s", project_key, run.id, asked_by)
    context.queue.ring(DEFAULT_QUEUE, FIND, run.id, job_id=f"{FIND}-{run.id}")
    return run


def cancel(context: Context, project_key: str, asked_by: str) -> DoubtRun:
    """Stop looking: at once while it waits, at its next step while a worker trains."""
    with context.database.write() as session:
        project = project_by_key(session, project_key)
        run = doubts.active_doubt_run(session, project.id)
        if run is None:
            raise ConflictError("no gold is being looked through")
        doubts_run.cancel(run, JobFolder(Path(run.folder)), now())
        subject = f"look {run.id}"
        record(session, asked_by, "doubts.cancel", project_id=project.id, subject=subject)
    return run


def advance(context: Context, run_id: int) -> DoubtRunState:
    """Take a run as far as it can go now; returns its state."""
    run = _run(context, run_id)
    with lease(context.database, f"doubts-{run.project_id}") as held:
        if held is not None:
            _advance(context, held, run_id)
    return DoubtRunState(_run(context, run_id).state)


def _advance(context: Context, held: Held, run_id: int) -> None:
    run = _run(context, run_id)
    if run.state == DoubtRunState.WAITING and not run.folder:
        try:
            _prepare(context, held, run)
        except ConflictError as error:
            _finish(context, run_id, DoubtRunState.FAILED, str(error))
    with context.database.write() as session:
        run = session.get_one(DoubtRun, run_id, with_for_update=True)
        if run.state not in ACTIVE_DOUBT_RUNS or not run.folder:
            return
        folder = JobFolder(Path(run.folder))
        doubts_run.look(run, folder, now(), context.settings.lease_seconds)
    if run.state not in ACTIVE_DOUBT_RUNS:
        log.info("event=doubts_%s run=%d reason=%r", run.state, run_id, run.reason)
    elif folder.result() is not None:
        _keep(context, held, run, folder)
    elif run.state == DoubtRunState.WAITING:
        _ring(context, run)


def _prepare(context: Context, held: Held, run: DoubtRun) -> None:
    """Freeze the gold and write the request; a run that was broken off here does it again."""
    held.renew()
    near.find_near(
        context.database, context.settings.jobs, run.project_id, lambda done, left: held.renew()
    )
    folder = JobFolder(context.settings.jobs / f"doubts-{run.id}")
    with context.database.read() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        project = session.get_one(Project, run.project_id)
        doubts_gold.freeze_all(session, project, folder.snapshot)
        options = settings_of(project).training
    folder.write_request(DoubtsRequest(project.key, folds=FOLDS, seed=SEED, config=options))
    with context.database.write() as session:
        row = session.get_one(DoubtRun, run.id, with_for_update=True)
        row.folder, row.gold_revision = str(folder.path), project.gold_revision


def _ring(context: Context, run: DoubtRun) -> None:
    job_id = f"doubts-run-{run.id}"
    if context.queue.failed(job_id):
        reason = "the training worker could not begin: its log says why"
        _finish(context, run.id, DoubtRunState.FAILED, reason)
    elif not context.queue.knows(job_id) and context.queue.ring(
        TRAIN_QUEUE, DOUBTS_JOB, run.folder, job_id=job_id
    ):
        context.queue.ring(DEFAULT_QUEUE, FIND, run.id, after=job_id)


def _keep(context: Context, held: Held, run: DoubtRun, folder: JobFolder) -> None:
    """Rank what was read and put it into the queue, chunk by chunk; the run ends with the last.

    Broken off, it begins anew.
    """
    held.renew()
    try:
        queue = rank(_renewing(held, read_jsonl(folder.doubts)))
        first = queue[: doubts_run.KEPT]
        evidence = evidence_for(
            [one.place for one in first],
            lambda: _renewing(held, read_part(folder.snapshot, "train")),
        )
    except (OSError, ValueError, KeyError, SnapshotError) as error:
        reason = f"what was read cannot be used: {error}"
        _finish(context, run.id, DoubtRunState.FAILED, reason)
        return
    found = [
        doubts_run.NewDoubt(number, one, its)
        for number, (one, its) in enumerate(zip(first, evidence, strict=True), start=1)
    ]
    with context.database.write() as session:
        versions.locked_project(session, run.project_id)
        doubts.forget_doubts(session, run.project_id)
    kept = 0
    for some in chunks(found, STORED_AT_ONCE):
        held.renew()
        with context.database.write() as session:
            project = versions.locked_project(session, run.project_id)
            mapping = map_of(session, project.id)
            kept += doubts_run.keep(session, project, run, mapping, some)
    result = folder.result()
    assert result is not None
    with context.database.write() as session:
        row = session.get_one(DoubtRun, run.id, with_for_update=True)
        row.figures = {**result.figures, "doubts": len(queue), "kept": kept}
        doubts_run.finish(row, DoubtRunState.DONE, "", now())
    shutil.rmtree(folder.path, ignore_errors=True)
    log.info("event=doubts_found run=%d doubts=%d kept=%d", run.id, len(queue), kept)


def _renewing(held: Held, records: Iterable[Record]) -> Iterator[Record]:
    """The records, the lease kept while they are read."""
    renewed = time.monotonic()
    for one in records:
        if time.monotonic() - renewed > RENEWED_EVERY:
            held.renew()
            renewed = time.monotonic()
        yield one


def _finish(context: Context, run_id: int, state: DoubtRunState, reason: str) -> None:
    with context.database.write() as session:
        row = session.get_one(DoubtRun, run_id, with_for_update=True)
        doubts_run.finish(row, state, reason, now())
    log.info("event=doubts_%s run=%d reason=%r", state, run_id, reason)


def _run(context: Context, run_id: int) -> DoubtRun:
    with context.database.read() as session:
        run = session.get(DoubtRun, run_id)
    if run is None:
        raise NotFoundError("look for doubts", run_id)
    return run
