"""Retrain: when a run begins, what it asks for, and how its folder moves it on.

The job folder is the truth about a training: `look` reads it and moves the run's row. A run holds
its project from its opening to the gate's decision, by a unique index in the database.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from backend.db import runs
from backend.db.audit_log import record
from backend.db.tables import (
    ACTIVE_RUNS,
    FINISHED_RUNS,
    Project,
    Run,
    RunState,
    Version,
    VersionState,
)
from backend.db.versions import champion, find_version, run_of_version
from backend.errors import ConflictError
from backend.settings import ProjectSettings
from backend.workflow.labels.label_rules import rules_of
from ml_backend.contract.messages import JobFolder, Progress, Result, TrainRequest
from ml_backend.contract.training_config import TrainingConfig, TrainingConfigError

MIN_TRAIN_DOCUMENTS = 10
BY_THRESHOLD = "threshold"


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a request: a run, or a sentence that says why there is none."""

    run: Run | None
    sentence: str


def due(session: Session, project: Project) -> int:
    """Documents whose gold a person made or changed since the last finished run's snapshot."""
    since = runs.last_finished_revision(session, project.id)
    return runs.changed_by_people(session, project.id, since)


def triggered(session: Session, project: Project) -> bool:
    """Whether a run should begin by itself: the threshold is reached.

    After a run that failed or was cancelled, people's work since its snapshot has to reach the
    threshold too, lest every submit begin it again.
    """
    threshold = ProjectSettings.model_validate(project.settings).retrain_threshold
    if due(session, project) < threshold:
        return False
    last = runs.last_run(session, project.id)
    if last is not None and last.state in (RunState.FAILED, RunState.CANCELLED):
        return runs.changed_by_people(session, project.id, last.gold_revision) >= threshold
    return True


def missing(session: Session, project: Project) -> str | None:
    """Why a run cannot begin yet, as a sentence; None when it can."""
    rules = rules_of(session, project)
    labels = frozenset(rules.labels)
    if not labels:
        return f"training needs a label with {rules.minimum} gold entities: none has as many"
    count, with_entity = 0, False
    for entities in runs.trainable(session, project.id):
        count += 1
        with_entity = with_entity or any(rules.mapping.of(e["label"]) in labels for e in entities)
        if count >= MIN_TRAIN_DOCUMENTS and with_entity:
            return None
    if count < MIN_TRAIN_DOCUMENTS:
        return f"training needs {MIN_TRAIN_DOCUMENTS} gold documents at least, there are {count}"
    return f"training needs an entity: none of the {count} gold documents holds one"


def open_run(
    session: Session,
    project: Project,
    asked_by: str,
    options: Mapping[str, Any] | None = None,
) -> Opened:
    """Begin a run, or remember the wish while one is active; the project's row must be locked.

    `options` of the trainer are this run's own, above the project's; such a wish is not remembered.
    """
    active = runs.active_run(session, project.id)
    if active is not None and options:
        return Opened(None, f"run {active.id} is active: make your choices when it has ended")
    if active is not None:
        if asked_by != BY_THRESHOLD or project.training_wanted is None:
            project.training_wanted = asked_by
        return Opened(None, f"run {active.id} is active: the next begins when it has ended")
    project.training_wanted = None
    sentence = missing(session, project) or _contradiction(project, options or {})
    if sentence is not None:
        return Opened(None, sentence)
    # the revision is the snapshot's once it is frozen; until then it must not look like "all new"
    run = Run(
        project_id=project.id,
        asked_by=asked_by,
        options=dict(options or {}),
        gold_revision=project.gold_revision,
    )
    session.add(run)
    session.flush()
    subject, after = f"run {run.id}", run.options or None
    record(session, asked_by, "run.begin", project_id=project.id, subject=subject, after=after)
    return Opened(run, f"run {run.id} has begun")


def check_retry(failed: Run) -> None:
    """Raise ConflictError unless the run ended without a version and has a snapshot."""
    ended = failed.state in (RunState.FAILED, RunState.CANCELLED)
    frozen = failed.snapshot_digest and JobFolder(Path(failed.folder)).snapshot.is_dir()
    if not (ended and frozen):
        raise ConflictError(f"run {failed.id} is {failed.state}: there is nothing to run again")


def copy_job(failed: Run, folder: Path) -> None:
    """Prepare a folder that asks for exactly what a failed run was asked: snapshot and request.

    A folder of its own, because a worker that was taken for dead may still write into the first.
    """
    source = JobFolder(Path(failed.folder))
    shutil.copytree(source.snapshot, folder / "snapshot", dirs_exist_ok=True)
    JobFolder(folder).write_request(source.train_request())


def open_retry(session: Session, project: Project, failed: Run, folder: Path, asked_by: str) -> Run:
    """Run a failed or cancelled run's snapshot again, under the same version name.

    Raises ConflictError when that version was made and judged since.
    """
    check_retry(failed)
    if runs.active_run(session, project.id) is not None:
        raise ConflictError("a run is active")
    name = JobFolder(folder).train_request().version
    version = find_version(session, project.id, name)
    if version is not None:
        made_by = run_of_version(session, version.id)
        judged = made_by is not None and made_by.state in FINISHED_RUNS
        if judged or version.state != VersionState.CANDIDATE:
            raise ConflictError(f"run {failed.id} was run again already: {name} is there")
    run = Run(
        project_id=project.id,
        asked_by=asked_by,
        gold_revision=failed.gold_revision,
        options=failed.options,
        snapshot_digest=failed.snapshot_digest,
        folder=str(folder),
    )
    session.add(run)
    session.flush()
    subject = f"run {run.id}"
    before = f"run {failed.id}"
    record(session, asked_by, "run.retry", project_id=project.id, subject=subject, before=before)
    return run


def take_wanted(session: Session, project: Project) -> str | None:
    """The remembered wish for another run if it is still to be granted; forgets it.

    Granted unless the last run has learnt from the same gold; for the threshold's own wish, when
    the threshold is reached again.
    """
    wanted, project.training_wanted = project.training_wanted, None
    if wanted is None:
        return None
    if wanted == BY_THRESHOLD:
        return wanted if triggered(session, project) else None
    last = runs.last_run(session, project.id)
    if last is not None and last.state in FINISHED_RUNS:
        return wanted if last.gold_revision < project.gold_revision else None
    return wanted


def train_request(
    project: Project, run: Run, version: str, store: Path, opponent: str | None, *, seed: int
) -> TrainRequest:
    """The request of a run's training job."""
    options = _options(project, run.options)
    return TrainRequest(project.key, version, str(store), opponent, seed, options)


def _options(project: Project, own: Mapping[str, Any]) -> dict[str, Any]:
    """The project's options of the trainer, and above them a run's own."""
    return {**ProjectSettings.model_validate(project.settings).training, **own}


def _contradiction(project: Project, own: Mapping[str, Any]) -> str | None:
    """Why the trainer would refuse the options, as a sentence; None when it takes them."""
    try:
        TrainingConfig.from_dict(_options(project, own))
    except TrainingConfigError as error:
        return str(error)
    return None


def next_version_name(project: Project) -> str:
    """Reserve a version's name; the project's row must be locked."""
    name = f"v{project.next_version}"
    project.next_version += 1
    return name


def opponent_name(session: Session, project: Project) -> str | None:
    """The version that a challenger would have to beat."""
    version = champion(session, project)
    return version.name if version is not None else None


def look(session: Session, run: Run, folder: JobFolder, now: datetime, lease_seconds: int) -> None:
    """Move an active run by what its folder says; a run that has ended is left alone.

    A result decides; a heartbeat that moved renews the lease; silence beyond the lease means that
    the worker died. A run that nobody has begun has no lease: it waits its turn.
    """
    if run.state not in (RunState.QUEUED, RunState.TRAINING):
        return
    result, progress = folder.result(), folder.progress()
    if result is not None:
        _end(session, run, folder, result, now)
    elif run.state == RunState.QUEUED and folder.cancel_asked():
        finish(run, RunState.CANCELLED, "cancelled before it began", now)
    elif progress is not None and (progress.beat != run.beat or run.lease_until is None):
        _alive(run, progress, now, lease_seconds)
    elif run.lease_until is not None and run.lease_until < now:
        reason = f"the worker died: no sign of life for {lease_seconds} s"
        finish(run, RunState.FAILED, reason, now)


def finish(run: Run, state: RunState, reason: str, now: datetime) -> None:
    """End a run."""
    run.state, run.reason, run.finished_at, run.lease_until = state, reason, now, None


def cancel(run: Run, folder: JobFolder, now: datetime) -> None:
    """Ask a run to stop: one that has not begun ends at once, one that trains at its next step."""
    if run.state not in ACTIVE_RUNS:
        raise ConflictError(f"run {run.id} has ended: {run.state}")
    if run.state == RunState.JUDGING:
        raise ConflictError(f"run {run.id} is at the gate already")
    if run.folder:
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.ask_to_cancel()
    if run.state == RunState.QUEUED:
        finish(run, RunState.CANCELLED, "cancelled before it began", now)


def _alive(run: Run, progress: Progress, now: datetime, lease_seconds: int) -> None:
    run.state = RunState.TRAINING
    run.started_at = run.started_at or now
    run.beat = progress.beat
    run.lease_until = now + timedelta(seconds=lease_seconds)


def _end(session: Session, run: Run, folder: JobFolder, result: Result, now: datetime) -> None:
    run.started_at = run.started_at or now
    if result.state == "cancelled":
        finish(run, RunState.CANCELLED, result.reason or "cancelled", now)
    elif result.state == "done" and folder.cancel_asked():
        finish(run, RunState.CANCELLED, "cancelled on request", now)
    elif result.state == "failed":
        finish(run, RunState.FAILED, result.reason, now)
    else:
        name = folder.train_request().version
        version = find_version(session, run.project_id, name)
        if version is None:
            version = Version(project_id=run.project_id, name=name, state=VersionState.CANDIDATE)
            session.add(version)
        elif version.state != VersionState.CANDIDATE:
            finish(run, RunState.FAILED, f"{name} was judged already", now)
            return
        version.figures = {"training": result.figures}
        session.flush()
        run.version_id, run.state, run.lease_until = version.id, RunState.JUDGING, None
