"""Replays on a project's own gold: asked for on a page or by the API, gone through by workers.

    JOBS/replays/PROJECT/1, 2, …    replays, one at a time (backend/workflow/replay/folder.py)

The gold is frozen when the first job begins; what is annotated later is not part of it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session

from backend.context import Context
from backend.db.audit_log import record
from backend.db.projects import project_by_key, settings_of
from backend.db.tables import Project
from backend.db.versions import locked_project
from backend.errors import ConflictError, GoldloopError, NotFoundError
from backend.loop import replay as rounds
from backend.workflow.replay.config import LEARNER, ReplayConfig, seconds_of
from backend.workflow.replay.folder import Replay
from backend.workflow.replay.gold import check_parts
from backend.workflow.replay.staging import put, staging
from backend.workflow.selection.project_cost import project_cost
from backend.workflow.versions.snapshot import freeze
from ml_backend.contract.messages import DEFAULT_QUEUE, Result


def ask(context: Context, project_key: str, config: ReplayConfig, asked_by: str) -> Replay:
    """Begin a replay; raises ConflictError while another of the project is under way."""
    with context.database.read() as session:
        project = project_by_key(session, project_key)
        person = seconds_of(project_cost(session, project.id))
        settings = settings_of(project)
    config = replace(
        config,
        project=project_key,
        asked_by=asked_by,
        learner={**LEARNER, **settings.training},
        label_target=settings.label_target,
        person=person,
    )
    with _none_under_way(context, project_key) as (session, project):
        after = {"strategies": list(config.mixtures), "seeds": config.seeds}
        record(session, asked_by, "replay.begin", project_id=project.id, after=after)
        before = listed(context, project_key)
        number = int(before[0].path.name) + 1 if before else 1
        begun = Replay(_folder(context, project_key) / str(number))
        begun.begin(config)
    _ring(context, begun)
    return begun


def listed(
    context: Context, project_key: str, *, before: int = 0, limit: int | None = None
) -> list[Replay]:
    """A project's replays, newest first, older than number `before` where it is given."""
    found = _folder(context, project_key).glob("*/config.json")
    numbers = sorted((int(path.parent.name) for path in found), reverse=True)
    older = [number for number in numbers if not before or number < before]
    return [Replay(_folder(context, project_key) / str(number)) for number in older[:limit]]


def find(context: Context, project_key: str, number: int) -> Replay:
    """One of them; raises NotFoundError."""
    found = Replay(_folder(context, project_key) / str(number))
    if not (found.path / "config.json").exists():
        raise NotFoundError("replay", number)
    return found


def cancel(context: Context, project_key: str, number: int, asked_by: str) -> None:
    """Stop a replay after the jobs that are running now; what was measured is kept."""
    found = find(context, project_key, number)
    if found.job.result() is not None:
        raise ConflictError(f"replay {number} has ended")
    with context.database.write() as session:
        project = project_by_key(session, project_key)
        record(session, asked_by, "replay.cancel", project_id=project.id, subject=_subject(number))
    found.cancel()
    _ring(context, found)


def go_on(context: Context, project_key: str, number: int, asked_by: str) -> None:
    """Let a replay that failed or was cancelled go on where it ended."""
    found = find(context, project_key, number)
    result = found.job.result()
    if result is None or result.state == "done":
        raise ConflictError(f"replay {number} has not been stopped")
    with _none_under_way(context, project_key) as (session, project):
        record(session, asked_by, "replay.go_on", project_id=project.id, subject=_subject(number))
        found.forget_failures()
    _ring(context, found)


def advance(context: Context, project_key: str, folder: Path, run: str) -> None:
    """Take a run further; without a run's name, freeze the gold and ring them all."""
    its = Replay(folder)
    if not (folder / "config.json").exists():
        return  # somebody removed it
    if run:
        rounds.advance(context.queue, its, run)
        return
    if project_key and not its.gold.exists():
        try:
            _freeze(context, project_key, its)
        except GoldloopError as error:
            its.job.write_result(Result("failed", str(error)))
            raise
    rounds.ring_all(context.queue, its)


def ring_left(context: Context) -> None:
    """Ring again what has not ended and is not known to the queue."""
    for path in sorted((context.settings.jobs / "replays").glob("*/*/config.json")):
        its = Replay(path.parent)
        if its.job.result() is not None:
            continue
        if its.gold.exists():
            rounds.ring_all(context.queue, its)
        elif not context.queue.knows(_job_id(its)):
            _ring(context, its)


def _freeze(context: Context, project_key: str, its: Replay) -> None:
    made = staging(its.gold)
    try:
        with context.database.read() as session:
            if session.get_bind().dialect.name == "postgresql":
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            frozen = freeze(session, project_by_key(session, project_key), made)
        check_parts(frozen.manifest)
        put(its.gold, made)
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _none_under_way(context: Context, project_key: str) -> Iterator[tuple[Session, Project]]:
    """A transaction that holds the project, which has no replay under way; else ConflictError.

    What it lets run must stand in the replay's folder before it ends.
    """
    with context.database.write() as session:
        project = locked_project(session, project_by_key(session, project_key).id)
        if any(one.job.result() is None for one in listed(context, project_key)):
            raise ConflictError(f"a replay of {project_key} is under way")
        yield session, project


def _ring(context: Context, its: Replay) -> None:
    context.queue.ring(
        *(DEFAULT_QUEUE, rounds.JOB, its.config.project, str(its.path), ""), job_id=_job_id(its)
    )


def _subject(number: int) -> str:
    return f"replay {number}"


def _job_id(its: Replay) -> str:
    return f"replay-{its.config.project}-{its.path.name}"


def _folder(context: Context, project_key: str) -> Path:
    return context.settings.jobs / "replays" / project_key
