"""Replays as jobs: a round is a training, a prediction, and the choice that follows from them.

    default   advance_replay(project key, folder, run)   measures, chooses, rings what is next
    train     the training of a round
    predict   the predictions that the next batch is chosen by

The replay's folder is the truth (see backend/workflow/replay/folder.py): every step looks there
first, and one worker at a time is at a run, so that a ring which is lost or comes twice costs time
and changes nothing.
"""

import logging
from hashlib import sha256
from typing import Any, Protocol

from backend.errors import GoldloopError
from backend.workflow.replay.choice import choose_batch, prepare_prediction
from backend.workflow.replay.folder import Replay, Round, Run
from backend.workflow.replay.plot import draw
from backend.workflow.replay.report import report
from backend.workflow.replay.rounds import measure, write_training
from backend.workflow.replay.staging import alone
from ml_backend.contract.messages import (
    DEFAULT_QUEUE,
    PREDICT_FILE_JOB,
    PREDICT_QUEUE,
    TRAIN_JOB,
    TRAIN_QUEUE,
    JobFolder,
    Result,
)
from ml_backend.contract.reasons import reason_of

JOB = "backend.jobs.advance_replay"
_JOBS = {"train": (TRAIN_QUEUE, TRAIN_JOB), "predict": (PREDICT_QUEUE, PREDICT_FILE_JOB)}

log = logging.getLogger(__name__)


class Bell(Protocol):
    """What rings jobs: a JobQueue, or whoever does them himself."""

    def ring(
        self, queue: str, job: str, *args: Any, job_id: str | None = None, after: str | None = None
    ) -> bool: ...

    def knows(self, job_id: str) -> bool: ...

    def failed(self, job_id: str) -> bool: ...


class RoundFailedError(GoldloopError):
    """A round that cannot be gone on with; the message says why."""


def advance(bell: Bell, replay: Replay, name: str) -> Result | None:
    """Take a run as far as it can go now; its result once it has ended.

    What fails ends the run and is written into its result; unforeseen errors are raised too.
    """
    run = replay.run(name)
    with alone(run.job.path):
        ended = run.job.result()
        if ended is None:
            ended = _advance(bell, run)
    if replay.ended():
        finish(replay)
    return ended


def finish(replay: Replay) -> None:
    """Say what came of a replay whose runs have ended, and remove what nobody needs any more."""
    with alone(replay.path):
        if replay.job.result() is not None:
            return
        try:
            write_report(replay)
        except Exception as error:
            replay.job.write_result(Result("failed", reason_of(error)))
            raise
        for run in replay.runs():
            run.round(0).drop()
        done, total = replay.far()
        replay.job.write_result(
            replay.failed() or Result("done", figures={"rounds": done, "of": total})
        )


def write_report(replay: Replay) -> dict[str, Any] | None:
    """Put together what was measured so far, as `report.json` and `curves.png`."""
    curves = replay.curves()
    found = report(curves, replay.config.cost)
    if found is None:
        return None
    told = found.to_dict()
    replay.job.write_report(told)
    draw(curves, replay.path / "curves.png")
    return told


def ring_all(bell: Bell, replay: Replay) -> None:
    """Ring every run that has not ended and that nobody is at work for.

    Where all have ended, and who was to finish the replay has died, one is rung to do that.
    """
    waiting = [run for run in replay.runs() if run.job.result() is None]
    for run in waiting or replay.runs()[:1]:
        if not _under_way(bell, run):
            bell.ring(DEFAULT_QUEUE, JOB, *_told(run), job_id=_run_id(run))


def _advance(bell: Bell, run: Run) -> Result | None:
    """Go on with a run, and write its result once it has ended."""
    try:
        ended = _go_on(bell, run)
    except GoldloopError as error:
        cancelled = run.replay.job.cancel_asked()
        ended = Result("cancelled" if cancelled else "failed", str(error))
    except Exception as error:
        run.job.write_result(Result("failed", reason_of(error)))
        raise
    if ended is not None:
        run.job.write_result(ended)
        log.info("event=replayed replay=%s run=%s state=%s", run.replay.path, run.name, ended.state)
    return ended


def _go_on(bell: Bell, run: Run) -> Result | None:
    replay = run.replay
    while not replay.job.cancel_asked():
        number = run.measured
        last = run.round(number - 1) if number else None
        if last is not None and last.number == run.rounds:
            return Result("done")
        if last is not None and not last.has_chosen:
            write_training(last)
            if not _finished(bell, last, last.training):
                return None
            prepare_prediction(last)
            if not _finished(bell, last, last.prediction):
                return None
            last.write_chosen(choose_batch(last))
        round = run.round(number)
        write_training(round)
        if not _finished(bell, round, round.training):
            return None
        round.write_point(measure(round))
        run.write_curve()
        for over in (last, round if round.number == run.rounds else None):
            if over is not None and not over.shared:
                over.drop()
    return Result("cancelled", "cancelled on request")


def _finished(bell: Bell, round: Round, job: JobFolder) -> bool:
    """Whether a job of a round is done; if not it is rung, unless it is, and we after it.

    Raises RoundFailedError when it cannot be done.
    """
    result, job_id = job.result(), _job_id(job)
    if result is None and not bell.knows(job_id):
        if bell.failed(job_id):
            raise RoundFailedError(f"round {round.number}: the worker of its {job.path.name} died")
        bell.ring(*_JOBS[job.path.name], str(job.path.resolve()), job_id=job_id)
        result = job.result()
    if result is None:
        bell.ring(DEFAULT_QUEUE, JOB, *_told(round.run), after=job_id)
        return False
    if result.state != "done":
        raise RoundFailedError(f"round {round.number}, {job.path.name}: {result.reason}")
    return True


def _under_way(bell: Bell, run: Run) -> bool:
    """Whether a job that this run waits for, or its own, waits or runs."""
    number = run.measured
    rounds = [run.round(n) for n in (number - 1, number) if n >= 0]
    jobs = [job for round in rounds for job in (round.training, round.prediction)]
    waiting = [job for job in jobs if job.path.exists() and job.result() is None]
    return any(bell.knows(job_id) for job_id in (_run_id(run), *map(_job_id, waiting)))


def _told(run: Run) -> tuple[str, str, str]:
    replay = run.replay
    return replay.config.project, str(replay.path.resolve()), run.name


def _run_id(run: Run) -> str:
    return f"replay-{sha256(str(run.job.path.resolve()).encode()).hexdigest()[:24]}"


def _job_id(job: JobFolder) -> str:
    """Of a folder that was made anew it is another: what became of the first says nothing."""
    made = (job.path / "request.json").stat().st_mtime_ns
    return f"replay-{sha256(f'{job.path.resolve()} {made}'.encode()).hexdigest()[:24]}"
