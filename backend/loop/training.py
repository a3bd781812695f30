"""Training runs: asked for, frozen, trained by a worker, judged, and published when promoted."""

import logging
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.context import Context
from backend.db import runs, versions
from backend.db.audit_log import record
from backend.db.leases import Held, lease
from backend.db.projects import project_by_key
from backend.db.tables import ACTIVE_RUNS, Project, Publication, Run, RunState, Version, now
from backend.errors import ConflictError, NotFoundError
from backend.loop import near, publication
from backend.settings import ProjectSettings
from backend.workflow import gate, publish, retrain
from backend.workflow.versions import labels as version_labels
from backend.workflow.versions import snapshot
from ml_backend.contract.entity import Entity
from ml_backend.contract.messages import (
    DEFAULT_QUEUE,
    TRAIN_JOB,
    TRAIN_QUEUE,
    JobFolder,
    read_jsonl,
)
from ml_backend.contract.snapshot import GoldDocument, SnapshotError, read_manifest, read_part

SEED = 0  # of training and gate: a run is repeated exactly

log = logging.getLogger(__name__)


def request(
    context: Context,
    project_key: str,
    asked_by: str,
    options: Mapping[str, Any] | None = None,
) -> retrain.Opened:
    """Begin a run, or say why not; a wish during an active run is remembered.

    `options` of the trainer are for this run alone.
    """
    with context.database.write() as session:
        found = project_by_key(session, project_key)
        project = versions.locked_project(session, found.id)
        opened = retrain.open_run(session, project, asked_by, options)
    log.info(
        "event=training_asked project=%s by=%s answer=%r", project_key, asked_by, opened.sentence
    )
    if opened.run is not None:
        advance(context, opened.run.id)
    return opened


def request_if_due(context: Context, project_id: int) -> bool:
    """Begin a run when people's work has reached the threshold; whether it has."""
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        if project.connected_at is None:
            return False  # an adopted project is read, and nothing is begun in it by itself
        if runs.active_run(session, project_id) is not None:
            return False  # when it ends this is asked again
        if not retrain.triggered(session, project):
            return False
    request(context, project.key, retrain.BY_THRESHOLD)
    return True


def retry(context: Context, run_id: int, asked_by: str) -> Run:
    """Run a failed or cancelled run's snapshot again."""
    failed = _run(context, run_id)
    retrain.check_retry(failed)
    folder = context.settings.jobs / f"run-{run_id}-again-{uuid.uuid4().hex[:8]}"
    retrain.copy_job(failed, folder)
    try:
        with context.database.write() as session:
            project = versions.locked_project(session, failed.project_id)
            run = retrain.open_retry(session, project, failed, folder, asked_by)
    except ConflictError:
        shutil.rmtree(folder)
        raise
    advance(context, run.id)
    return run


def cancel(context: Context, run_id: int, asked_by: str) -> Run:
    """Stop a run: at once while it waits, at its next step while it trains."""
    with context.database.write() as session:
        run = session.get(Run, run_id, with_for_update=True)
        if run is None:
            raise NotFoundError("run", run_id)
        retrain.cancel(run, JobFolder(Path(run.folder)), now())
        record(session, asked_by, "run.cancel", project_id=run.project_id, subject=f"run {run_id}")
    if run.state == RunState.CANCELLED:
        begin_wanted(context, run.project_id)
    return run


def decide(context: Context, run_id: int, *, promote: bool, asked_by: str) -> None:
    """A curator's word on a run that waits because there was too little gate gold."""
    with context.database.write() as session:
        project = versions.locked_project(session, _run(context, run_id).project_id)
        opened = publish.decide(session, project, run_id, promote_it=promote, asked_by=asked_by)
    if opened is not None:
        publication.advance(context, opened.id)


def advance(context: Context, run_id: int) -> RunState:
    """Take a run as far as it can go now; returns its state."""
    run = _run(context, run_id)
    opened: Publication | None = None
    with lease(context.database, f"training-{run.project_id}") as held:
        if held is not None:
            opened = _advance(context, held, run_id)
    if held is None:
        return RunState(run.state)
    if held.wanted:
        context.queue.ring(DEFAULT_QUEUE, "backend.jobs.advance_run", run_id)
    if opened is not None:
        publication.advance(context, opened.id)
    state = RunState(_run(context, run_id).state)
    if state not in ACTIVE_RUNS:
        begin_wanted(context, run.project_id)
        request_if_due(context, run.project_id)
    return state


def begin_wanted(context: Context, project_id: int) -> None:
    """Grant the wish that came during a run, if it still stands."""
    with context.database.read() as session:
        if session.get_one(Project, project_id).training_wanted is None:
            return
    with context.database.write() as session:
        project = versions.locked_project(session, project_id)
        if project.training_wanted is None or runs.active_run(session, project_id) is not None:
            return
        wanted = retrain.take_wanted(session, project)
        opened = retrain.open_run(session, project, wanted) if wanted is not None else None
    if opened is not None and opened.run is not None:
        advance(context, opened.run.id)


def _advance(context: Context, held: Held, run_id: int) -> Publication | None:
    run = _run(context, run_id)
    if run.state == RunState.QUEUED and not run.snapshot_digest:
        with context.database.read() as session:
            if versions.publishing(session, run.project_id):
                return None  # whom it has to beat is known once that has ended
        try:
            _prepare(context, held, run)
        except snapshot.NothingToTrainError as error:
            with context.database.write() as session:
                row = session.get_one(Run, run_id, with_for_update=True)
                retrain.finish(row, RunState.FAILED, str(error), now())
    with context.database.write() as session:
        run = session.get_one(Run, run_id, with_for_update=True)
        before = run.state
        if run.folder:
            folder = JobFolder(Path(run.folder))
            retrain.look(session, run, folder, now(), context.settings.lease_seconds)
    if before != run.state:
        log.info("event=run_%s run=%d reason=%r", run.state, run_id, run.reason)
    if run.state == RunState.QUEUED and run.folder:
        _ring(context, run)
    return _judge(context, run) if run.state == RunState.JUDGING else None


def _prepare(context: Context, held: Held, run: Run) -> None:
    """Freeze the gold and write the request; a run that was broken off here does it again.

    What was frozen once stays: a worker may be training on it.
    """
    held.renew()
    near.find_near(
        context.database, context.settings.jobs, run.project_id, lambda done, left: held.renew()
    )
    folder = JobFolder(context.settings.jobs / f"run-{run.id}")
    with context.database.read() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        if session.get_one(Run, run.id).snapshot_digest:
            return
        project = session.get_one(Project, run.project_id)
        frozen = snapshot.freeze(session, project, folder.snapshot)
    held.renew()
    with context.database.write() as session:
        project = versions.locked_project(session, run.project_id)
        run = session.get_one(Run, run.id, with_for_update=True)
        if run.state != RunState.QUEUED or run.snapshot_digest:
            return
        folder.write_request(
            retrain.train_request(
                project,
                run,
                retrain.next_version_name(project),
                context.models.root,
                retrain.opponent_name(session, project),
                seed=SEED,
            )
        )
        run.folder = str(folder.path)
        run.snapshot_digest = frozen.manifest.digest
        run.gold_revision = frozen.gold_revision
    log.info("event=frozen run=%d counts=%s", run.id, frozen.manifest.counts)


def _ring(context: Context, run: Run) -> None:
    job_id = f"train-run-{run.id}"
    if context.queue.failed(job_id):
        with context.database.write() as session:
            row = session.get_one(Run, run.id, with_for_update=True)
            if row.state == RunState.QUEUED:
                reason = "the training worker could not begin: its log says why"
                retrain.finish(row, RunState.FAILED, reason, now())
        return
    if context.queue.knows(job_id):
        return
    if context.queue.ring(TRAIN_QUEUE, TRAIN_JOB, run.folder, job_id=job_id):
        context.queue.ring(DEFAULT_QUEUE, "backend.jobs.advance_run", run.id, after=job_id)


def _judge(context: Context, run: Run) -> Publication | None:
    """Score challenger and champion on the frozen gate gold, and act on what comes out."""
    folder = JobFolder(Path(run.folder))
    asked = folder.train_request()
    with context.database.read() as session:
        project = session.get_one(Project, run.project_id)
        settings = ProjectSettings.model_validate(project.settings)
        served = retrain.opponent_name(session, project)
        champion = versions.find_version(session, project.id, asked.champion or "")
        before = version_labels.labels_of(champion) if champion else version_labels.VersionLabels()
    try:
        # what is judged on is what was frozen
        labels = version_labels.labels_of_snapshot(read_manifest(folder.snapshot))
        gold = list(read_part(folder.snapshot, "gate"))
        challenger = _gate_predictions(folder, asked.version, gold)
        opponent = None
        if asked.champion:
            predicted = _gate_predictions(folder, asked.champion, gold)
            opponent = version_labels.under_labels_of(labels, before, predicted)
    except (OSError, SnapshotError, ValueError) as error:
        with context.database.write() as session:
            row = session.get_one(Run, run.id, with_for_update=True)
            retrain.finish(row, RunState.FAILED, f"cannot be judged: {error}", now())
        return None
    knows = {before.called(label, labels) for label in before.trained} or None
    decision = gate.decide(gold, opponent, challenger, settings, champion_knows=knows, seed=SEED)
    if served != asked.champion:
        reason = f"judged against {asked.champion}, but {served} is served now: a curator decides"
        decision = gate.GateDecision(None, reason, decision.numbers)
    opened = None
    with context.database.write() as session:
        project = versions.locked_project(session, run.project_id)
        row = session.get_one(Run, run.id, with_for_update=True)
        if row.state != RunState.JUDGING or row.version_id is None:
            return None
        version = session.get_one(Version, row.version_id)
        version.figures = {
            **version.figures,
            "labels": labels.to_dict(),
            "gate": decision.numbers,
        }
        row.gate = {"promoted": decision.promoted, **decision.numbers}
        retrain.finish(row, RunState.WAITING, decision.reason, now())
        if decision.promoted is True:
            opened = publish.promote(session, project, row, row.asked_by)
        elif decision.promoted is False:
            publish.refuse(session, row)
    log.info("event=judged run=%d state=%s reason=%r", run.id, row.state, row.reason)
    return opened


def _gate_predictions(
    folder: JobFolder, version: str, gold: list[GoldDocument]
) -> list[list[Entity]]:
    """A version's predictions of the gate gold; raises ValueError when they are of other texts."""
    records = list(read_jsonl(folder.gate_predictions(version)))
    if [record["id"] for record in records] != [document.id for document in gold]:
        raise ValueError(f"the gate predictions of {version} are not of the gate's documents")
    return [
        [Entity.from_dict(entity, length=len(document.text)) for entity in record["entities"]]
        for record, document in zip(records, gold, strict=True)
    ]


def _run(context: Context, run_id: int) -> Run:
    with context.database.read() as session:
        run = session.get(Run, run_id)
    if run is None:
        raise NotFoundError("run", run_id)
    return run
