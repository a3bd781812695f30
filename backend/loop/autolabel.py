"""Autolabel runs: the champion labels what nobody has, in chunks that any worker may take.

Copies that were set aside are not read again: they follow their originals (workflow/autolabel.py).

One process at a time leads a run (a lease in the database): it gives out chunks, stores what came
back, and rings again those whose worker died. Several chunks are out at once, so that workers go
on while one is stored. Whatever is lost, the next tick leads on from the database and the folders.
"""

import logging
import time
from pathlib import Path

from backend.context import Context
from backend.db import autolabels, versions
from backend.db.audit_log import record
from backend.db.leases import Held, lease
from backend.db.projects import project_by_key
from backend.db.tables import Project, Version, now
from backend.db.tables_of_autolabel import AutolabelRun, AutolabelRunState, Promise, PromiseState
from backend.errors import ConflictError, NotFoundError
from backend.loop import autolabel_chunks as chunks
from backend.loop.autolabel_chunks import ADVANCE, LABEL_COPIES
from backend.workflow.autolabels.certify import make_promise
from backend.workflow.autolabels.rule import accept_pending
from backend.workflow.preannotate import PredictionJobError
from ml_backend.contract.messages import DEFAULT_QUEUE

LONGEST_TURN = 2.0  # seconds that one call leads
BY_PUBLICATION = "publication"

log = logging.getLogger(__name__)


def start(context: Context, project_id: int, asked_by: str) -> AutolabelRun:
    """Open the champion's run, and lead it as far as it can go now; raises as `open_run` does."""
    run = open_run(context, project_id, asked_by)
    advance(context, run.id)
    return run


def open_run(context: Context, project_id: int, asked_by: str) -> AutolabelRun:
    """Begin the champion's run, or take up the one that is there; one of an older version ends.

    `advance` does the work. Raises ConflictError before a first version is served.
    """
    with context.database.read() as session:
        champion = versions.champion(session, session.get_one(Project, project_id))
        if champion is None:
            raise ConflictError("no version is served yet: train one first")
        total = autolabels.count_without_item(session, project_id, champion.id)
    with context.database.write() as session:
        versions.locked_project(session, project_id)
        run = autolabels.active_run(session, project_id)
        if run is not None and run.version_id != champion.id:
            _end(run, AutolabelRunState.CANCELLED, f"{champion.name} is served now")
            session.flush()
            run = None
        if run is None:
            run = AutolabelRun(
                project_id=project_id, version_id=champion.id, total=total, asked_by=asked_by
            )
            session.add(run)
        run.state, run.reason = AutolabelRunState.RUNNING, ""
        session.flush()
        subject = f"autolabel run {run.id}"
        record(session, asked_by, "autolabel.start", project_id=project_id, subject=subject)
    log.info("event=autolabel_asked project=%d run=%d by=%s", project_id, run.id, asked_by)
    return run


def start_after_publication(context: Context, project_id: int) -> None:
    """Begin a run for a version that has just been published, unless we only read the project."""
    with context.database.read() as session:
        project = session.get_one(Project, project_id)
        adopted = project.label_studio_id is not None and project.writable_id is None
        if adopted or project.champion_id is None:
            return
    start(context, project_id, BY_PUBLICATION)


def pause(context: Context, project_key: str, by: str) -> AutolabelRun:
    """Give out no more chunks, and stop those that are out; what is done stays done."""
    return _change(context, project_key, AutolabelRunState.PAUSED, by)


def cancel(context: Context, project_key: str, by: str) -> AutolabelRun:
    """End the run; what is done stays done."""
    run = _change(context, project_key, AutolabelRunState.CANCELLED, by)
    chunks.clear(context, run.id)
    return run


def resume(context: Context, project_key: str, by: str) -> AutolabelRun:
    """Let a run that was paused go on."""
    run = _change(context, project_key, AutolabelRunState.RUNNING, by)
    context.queue.ring(DEFAULT_QUEUE, ADVANCE, run.id, job_id=f"autolabel-{run.id}")
    return run


def advance(context: Context, run_id: int) -> AutolabelRunState:
    """Lead a run as far as it can go now; returns its state."""
    run = _read(context, run_id)
    if run.state not in autolabels.ACTIVE:
        chunks.clear(context, run_id)
        return AutolabelRunState(run.state)
    if run.state == AutolabelRunState.PAUSED:
        return AutolabelRunState.PAUSED
    more = False
    with lease(context.database, f"autolabel-{run.project_id}") as held:
        if held is not None:
            more = _advance(context, held, run_id)
    state = AutolabelRunState(_read(context, run_id).state)
    more = more or (held is not None and held.wanted)
    if more and state == AutolabelRunState.RUNNING:
        context.queue.ring(DEFAULT_QUEUE, ADVANCE, run_id, job_id=f"autolabel-{run_id}")
    return state


def _advance(context: Context, held: Held, run_id: int) -> bool:
    """Lead for a turn; whether there is more to do at once.

    Who leads sits on the default queue, where people's annotations must not wait.
    """
    until = time.monotonic() + LONGEST_TURN
    while time.monotonic() < until:
        held.renew()
        run = _read(context, run_id)
        if run.state != AutolabelRunState.RUNNING:
            return False
        with context.database.read() as session:
            project = session.get_one(Project, run.project_id)
            version = session.get_one(Version, run.version_id)
            out = autolabels.chunks_of(session, run_id)
        if project.champion_id != version.id:
            _finish(context, run_id, AutolabelRunState.CANCELLED, f"{version.name} is not served")
            return False
        if chunks.feed(context, run, project, version, out):
            continue
        if not out:
            if run.promise_id is None:
                _promise(context, run_id)
                continue
            if not _wrap(context, run_id):
                _last_acceptance(context, held, run_id)
                _finish(context, run_id, AutolabelRunState.DONE, "")
                return False
            continue
        try:
            came = [chunks.collect(context, held, run, chunk) for chunk in out]
        except PredictionJobError as error:
            _finish(context, run_id, AutolabelRunState.FAILED, str(error))
            return False
        if not any(came):
            return False  # the next job that ends rings, and so does the tick
    return True


def _promise(context: Context, run_id: int) -> None:
    """All certify gold is predicted: make the promise, and begin with the pool."""
    with context.database.write() as session:
        project = versions.locked_project(session, session.get_one(AutolabelRun, run_id).project_id)
        run = session.get_one(AutolabelRun, run_id, with_for_update=True)
        version = session.get_one(Version, run.version_id)
        promise = make_promise(session, project, version, run.asked_by, now())
        run.promise_id, run.cursor = promise.id, 0
    log.info(
        "event=promise project=%d version=%s state=%s threshold=%s reason=%r",
        run.project_id,
        version.name,
        promise.state,
        promise.threshold,
        promise.reason,
    )


def _wrap(context: Context, run_id: int) -> bool:
    """Go over the pool once more if a chunk was lost; whether there is anything left."""
    with context.database.read() as session:
        run = session.get_one(AutolabelRun, run_id)
        left = autolabels.without_item(session, run.project_id, run.version_id, after=0, limit=1)
    if not left:
        return False
    with context.database.write() as session:
        session.get_one(AutolabelRun, run_id, with_for_update=True).cursor = 0
    return True


def _last_acceptance(context: Context, held: Held, run_id: int) -> None:
    """Accept what was stored before there was a promise that allows it."""
    after = 0
    while True:
        held.renew()
        with context.database.write() as session:
            run = session.get_one(AutolabelRun, run_id)
            project = versions.locked_project(session, run.project_id)
            promise = session.get_one(Promise, run.promise_id)
            if promise.state != PromiseState.IN_FORCE:
                return
            seen = accept_pending(session, project, promise, after, now())
            if not seen:
                return
            after = seen


def _finish(context: Context, run_id: int, state: AutolabelRunState, reason: str) -> None:
    with context.database.write() as session:
        run = session.get_one(AutolabelRun, run_id, with_for_update=True)
        if run.state in autolabels.ACTIVE:
            _end(run, state, reason)
    log.info("event=autolabel_%s run=%d documents=%d %s", state, run_id, run.done, reason)
    chunks.clear(context, run_id)
    context.queue.ring(
        DEFAULT_QUEUE, LABEL_COPIES, run.project_id, job_id=f"{LABEL_COPIES}-{run.project_id}"
    )


def _end(run: AutolabelRun, state: AutolabelRunState, reason: str) -> None:
    run.state, run.reason, run.finished_at = state, reason, now()


def _change(context: Context, project_key: str, state: AutolabelRunState, by: str) -> AutolabelRun:
    with context.database.write() as session:
        project = project_by_key(session, project_key)
        run = autolabels.active_run(session, project.id)
        if run is None:
            raise ConflictError(f"no autolabel run of {project_key} is under way")
        if state == run.state:
            raise ConflictError(f"autolabel run {run.id} is {state} already")
        before, run.state = run.state, state
        if state == AutolabelRunState.CANCELLED:
            _end(run, state, "cancelled on request")
        record(
            session,
            by,
            "autolabel.run",
            project_id=project.id,
            subject=f"autolabel run {run.id}",
            before=before,
            after=state,
        )
        out = autolabels.chunks_of(session, run.id)
    for chunk in out:
        if state == AutolabelRunState.RUNNING:
            (Path(chunk.folder) / "cancel").unlink(missing_ok=True)
        else:
            chunks.stop(chunk)
    return run


def _read(context: Context, run_id: int) -> AutolabelRun:
    with context.database.read() as session:
        run = session.get(AutolabelRun, run_id)
    if run is None:
        raise NotFoundError("autolabel run", run_id)
    return run
