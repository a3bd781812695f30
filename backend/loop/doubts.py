"""Looking for doubts: all gold is frozen, read out of fold by a training worker, and ranked."""

import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import OperationalError

from backend.context import Context
from backend.db import doubts, versions
from backend.db.audit_log import record
from backend.db.leases import Held, LeaseLostError, lease
from backend.db.pool import chunks
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project, now
from backend.db.tables_of_doubts import ACTIVE_DOUBT_RUNS, DoubtRun, DoubtRunState
from backend.errors import ConflictError, DatabaseBusyError, NotFoundError
from backend.loop import near
from backend.workflow.doubts import gold as doubts_gold
from backend.workflow.doubts import run as doubts_run
from backend.workflow.doubts.evidence import evidence_for
from backend.workflow.doubts.rank import rank
from backend.workflow.labels.label_rules import map_of
from ml_backend.contract.messages import (
    DEFAULT_QUEUE,
    DOUBTS_JOB,
    TRAIN_QUEUE,
    DoubtsRequest,
    JobFolder,
    read_jsonl,
)
from ml_backend.contract.snapshot import read_part

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
        record(session, asked_by, "review.cancel", project_id=project.id, subject=subject)
    if run.state == DoubtRunState.CANCELLED:
        context.queue.take_out(_job_id(run.id))
        sweep(context)
    return run


def advance(context: Context, run_id: int) -> DoubtRunState:
    """Take a run as far as it can go now; returns its state."""
    run = _run(context, run_id)
    with lease(context.database, f"doubts-{run.project_id}") as held:
        if held is not None:
            _advance(context, held, run_id)
    run = _run(context, run_id)
    if run.state not in ACTIVE_DOUBT_RUNS:
        sweep(context)
    return DoubtRunState(run.state)


def sweep(context: Context) -> None:
    """Remove the folders of looks that have ended, but for one that a worker has in hand."""
    folders = list(context.settings.jobs.glob("doubts-*"))  # first: a run is older than its folder
    with context.database.read() as session:
        active = set(doubts.active_doubt_runs(session))
    for folder in folders:
        number = folder.name.removeprefix("doubts-")
        ended = number.isdigit() and int(number) not in active
        if ended and not context.queue.knows(_job_id(int(number))):
            shutil.rmtree(folder, ignore_errors=True)


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
    job_id = _job_id(run.id)
    if context.queue.failed(job_id):
        reason = "the training worker could not begin: its log says why"
        _finish(context, run.id, DoubtRunState.FAILED, reason)
    elif not context.queue.knows(job_id) and context.queue.ring(
        TRAIN_QUEUE, DOUBTS_JOB, run.folder, job_id=job_id
    ):
        context.queue.ring(DEFAULT_QUEUE, FIND, run.id, after=job_id)


def _keep(context: Context, held: Held, run: DoubtRun, folder: JobFolder) -> None:
    """Rank what was read and put it into the queue; the run ends with it, whatever happens.

    Broken off, it begins anew.
    """
    try:
        _rank_and_store(context, held, run, folder)
    except (LeaseLostError, DatabaseBusyError, OperationalError):
        raise  # it passes: the next tick begins anew
    except Exception as error:
        log.exception("event=doubts_not_ranked run=%d", run.id)
        reason = f"what was read cannot be used: {type(error).__name__}: {error}"
        _finish(context, run.id, DoubtRunState.FAILED, reason)


def _rank_and_store(context: Context, held: Held, run: DoubtRun, folder: JobFolder) -> None:
    held.renew()
    beat = _Beat(held)
    queue = rank(beat.over(read_jsonl(folder.doubts)))
    first = queue[: doubts_run.KEPT]
    evidence = evidence_for(
        [one.place for one in first], lambda: beat.over(read_part(folder.snapshot, "train")), beat
    )
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
    log.info("event=doubts_found run=%d doubts=%d kept=%d", run.id, len(queue), kept)


class _Beat:
    """Keeps a lease while there is slow work: call it now and then."""

    def __init__(self, held: Held):
        self._held, self._renewed = held, time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._renewed > RENEWED_EVERY:
            self._held.renew()
            self._renewed = time.monotonic()

    def over(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records, the lease kept while they are read."""
        for one in records:
            self()
            yield one


def _finish(context: Context, run_id: int, state: DoubtRunState, reason: str) -> None:
    with context.database.write() as session:
        row = session.get_one(DoubtRun, run_id, with_for_update=True)
        doubts_run.finish(row, state, reason, now())
    log.info("event=doubts_%s run=%d reason=%r", state, run_id, reason)


def _job_id(run_id: int) -> str:
    return f"doubts-run-{run_id}"


def _run(context: Context, run_id: int) -> DoubtRun:
    with context.database.read() as session:
        run = session.get(DoubtRun, run_id)
    if run is None:
        raise NotFoundError("look for doubts", run_id)
    return run
