"""A replay on a project's own gold, by real queues: frozen, gone through, cancelled, refused."""

import dataclasses
import multiprocessing
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis
from rq import SimpleWorker

from backend import jobs
from backend.clients.queue import QUEUES
from backend.context import Context, open_context
from backend.db.session import Database
from backend.db.tables import Document, GoldSource, Part
from backend.errors import ConflictError, NotFoundError
from backend.loop import project_replays
from backend.settings import Settings
from backend.workflow.replay.config import ReplayConfig
from backend.workflow.replay.folder import Replay
from ml_backend.contract.messages import Result
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project
from tests.servers import RedisServer

SMALL = {
    "epochs": 1,
    "min_steps": 4,
    "max_steps": 4,
    "hidden": 8,
    "looks": 1,
    "calibration": "none",
}
CONFIG = ReplayConfig(("mnlp",), rounds=1, batch=20, start=20, seeds=1)

pytestmark = pytest.mark.real


@pytest.fixture
def context(
    settings: Settings, database: object, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> Context:
    opened = open_context(settings)
    monkeypatch.setattr(jobs, "context", lambda: opened)
    return opened


def add(context: Context, **parts: int) -> None:
    """A project whose gold stands in these parts."""
    with context.database.write() as session:
        project = add_project(session, training=SMALL, min_support=0, label_target=7)
        texts = [f"{number}번 문서" for number in range(sum(parts.values()))]
        documents: list[Document] = add_documents(session, project, texts)
        for part, count in parts.items():
            for document in documents[:count]:
                add_gold(session, document, source=GoldSource.IMPORTED, part=Part(part))
            del documents[:count]


def work(context: Context, times: int) -> None:
    """What the workers of all queues do, until nothing waits."""
    redis = Redis.from_url(context.settings.redis_address)
    for _ in range(times):
        SimpleWorker(list(QUEUES), connection=redis).work(burst=True, logging_level="WARNING")


def work_beside(settings: Settings, folder: Path) -> None:
    """A worker of all queues in a process of its own, until the replay has ended."""
    opened = open_context(settings)
    jobs.context = lambda: opened  # type: ignore[assignment]
    while Replay(folder).job.result() is None:
        work(opened, 1)
        time.sleep(0.02)


def test_two_workers_and_ticks_go_through_the_gold_that_was_frozen(context: Context):
    add(context, train=60, dev=20, gate=50)
    begun = project_replays.ask(context, "p", CONFIG, "curator")
    spawned = multiprocessing.get_context("spawn")
    its_own = (context.settings, begun.path)
    workers = [spawned.Process(target=work_beside, args=its_own, daemon=True) for _ in range(2)]
    for worker in workers:
        worker.start()
    while begun.job.result() is None and all(worker.is_alive() for worker in workers):
        project_replays.ring_left(context)
        time.sleep(0.05)
    for worker in workers:
        worker.join()
    assert begun.job.result() == Result("done", figures={"rounds": 5, "of": 5})
    its = project_replays.find(context, "p", 1)
    assert its.config.learner["max_steps"] == 4  # the project's own options
    assert its.config.label_target == 7
    assert [point.done.documents for point in its.curves()["mnlp"][1]] == [20, 40]
    assert its.report() is not None
    assert project_replays.ask(context, "p", CONFIG, "curator").path.name == "2"
    assert [one.path.name for one in project_replays.listed(context, "p")] == ["2", "1"]


def test_too_little_gate_gold_is_said(context: Context):
    add(context, train=60, dev=20, gate=3)
    begun = project_replays.ask(context, "p", CONFIG, "curator")
    work(context, 1)
    result = begun.job.result()
    assert result is not None
    assert result.state == "failed"
    assert "50 documents of gate gold" in result.reason


def test_a_lost_bell_is_rung_again_by_the_tick(context: Context, redis_server: RedisServer):
    add(context, train=60, dev=20, gate=50)
    redis_server.stop()
    begun = project_replays.ask(context, "p", CONFIG, "curator")
    redis_server.start()
    project_replays.ring_left(context)
    project_replays.ring_left(context)
    assert context.queue.counts()["default"] == 1
    project_replays.cancel(context, "p", 1, "curator")
    work(context, 1)
    result = begun.job.result()
    assert result is not None
    assert result.state == "cancelled"
    with pytest.raises(ConflictError):
        project_replays.cancel(context, "p", 1, "curator")


def test_of_two_that_ask_at_once_one_is_refused(
    any_database: Database, settings: Settings, redis_server: RedisServer
):
    context = dataclasses.replace(open_context(settings), database=any_database)
    add(context, train=60, dev=20, gate=50)

    def ask(_: int) -> str:
        try:
            return project_replays.ask(context, "p", CONFIG, "curator").path.name
        except ConflictError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(ask, range(4)))
    assert answers == ["1", *["a replay of p is under way"] * 3]


def test_a_replay_is_found_by_its_number(context: Context):
    add(context, train=60, dev=20, gate=50)
    begun = project_replays.ask(context, "p", CONFIG, "curator")
    assert project_replays.find(context, "p", 1) == begun
    with pytest.raises(NotFoundError):
        project_replays.find(context, "p", 7)
