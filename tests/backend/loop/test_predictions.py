"""The folders of prediction jobs: when a failed one is begun anew, which are removed."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db.session import Database
from backend.db.tables import Version
from backend.loop import predictions
from backend.settings import Settings
from backend.workflow.preannotate import PredictionJobError
from ml_backend.contract.messages import JobFolder, Result
from tests.backend.workflow.loop_data import add_documents, add_project


@pytest.fixture
def context(settings: Settings, database: Database) -> Context:
    return Context(settings, database, JobQueue(settings.redis_address))


def folder(context: Context, name: str, *files: str, days: float, folder_days: float) -> Path:
    path = context.settings.jobs / name
    path.mkdir(parents=True)
    for file in files:
        (path / file).write_text("{}", "utf-8")
        os.utime(path / file, (time.time() - days * 86400,) * 2)
    os.utime(path, (time.time() - folder_days * 86400,) * 2)
    return path


@pytest.fixture
def ask(context: Context) -> Callable[[float], bool]:
    """Asks for a document's predictions; says whether they are there."""
    with context.database.write() as session:
        project = add_project(session)
        documents = add_documents(session, project, ["철수가 서울에 갔다"])
        version = Version(project_id=project.id, name="v1")
        session.add(version)
        session.flush()
        version_id = version.id

    def ask(pause: float) -> bool:
        follow_up = predictions.FollowUp("backend.jobs.top_up", 1, pause)
        return predictions.have(context, "p", version_id, "v1", documents, follow_up)

    return ask


def fail(context: Context) -> None:
    """The worker's word on the one job that was asked for."""
    (request,) = context.settings.jobs.glob("predict-p-v1-*/request.json")
    JobFolder(request.parent).write_result(Result("failed", "no such layer"))


def test_a_job_that_failed_is_begun_anew_after_the_pause_and_not_before(
    context: Context, ask: Callable[[float], bool]
):
    assert not ask(300)
    fail(context)
    with pytest.raises(PredictionJobError, match="no such layer"):
        ask(300)
    assert not ask(300)
    assert not list(context.settings.jobs.glob("*/request.json"))
    (failure,) = context.settings.jobs.iterdir()
    os.utime(failure, (time.time() - 301,) * 2)
    assert not ask(300)
    fail(context)
    with pytest.raises(PredictionJobError):
        ask(300)
    assert not ask(300)
    assert not list(context.settings.jobs.glob("*/request.json"))


def test_who_asks_once_waits_for_no_pause(context: Context, ask: Callable[[float], bool]):
    assert not ask(300)
    fail(context)
    with pytest.raises(PredictionJobError):
        ask(300)
    assert not ask(0)
    assert len(list(context.settings.jobs.glob("*/request.json"))) == 1


def test_only_what_was_silent_for_days_is_removed(context: Context):
    begun = folder(context, "predict-begun", "input.jsonl", days=0, folder_days=0)
    empty = folder(context, "predict-empty", days=0, folder_days=1)
    alive = folder(context, "predict-alive", "progress.json", days=0, folder_days=3)
    silent = folder(context, "predict-silent", "request.json", days=3, folder_days=3)
    broken_off = folder(context, "predict-broken-off", "input.jsonl", days=3, folder_days=3)
    run = folder(context, "run-1", days=9, folder_days=9)
    assert predictions.drop_old(context) == 2
    assert [path.exists() for path in (begun, empty, alive, run)] == [True] * 4
    assert not silent.exists()
    assert not broken_off.exists()
