"""Workers as processes: they outlive Redis and end when asked."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from backend.clients.queue import JobQueue
from backend.demo.stack import environment_of

pytestmark = pytest.mark.real


@pytest.fixture
def start(settings, redis_server, tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen]]:
    started = []

    def begin(*arguments: str) -> subprocess.Popen:
        goldloop = Path(sys.executable).with_name("goldloop")
        log = (tmp_path / f"{'-'.join(arguments)}.log").open("wb")
        started.append(
            subprocess.Popen(
                [goldloop, *arguments],
                env={**os.environ, **environment_of(settings)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def until(look: Callable[[], object], what: str, seconds: float = 40.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.mark.parametrize("name", ["default", "train"])
def test_a_worker_outlives_redis_and_ends_when_asked(name, start, settings, redis_server, tmp_path):
    queue = JobQueue(settings.redis_address)
    worker = start("worker", name)
    queue.ring(name, "os.mkdir", str(tmp_path / "one"))
    until((tmp_path / "one").exists, "the first job")

    redis_server.stop()
    time.sleep(3)
    assert worker.poll() is None
    redis_server.start()
    queue.ring(name, "os.mkdir", str(tmp_path / "two"))
    until((tmp_path / "two").exists, "the job after Redis came back")

    worker.terminate()
    assert worker.wait(20) == 0


def test_a_worker_waits_for_a_redis_that_is_not_there_yet(start, settings, redis_server, tmp_path):
    redis_server.stop()
    worker = start("worker", "train")
    time.sleep(3)
    assert worker.poll() is None
    redis_server.start()
    JobQueue(settings.redis_address).ring("train", "os.mkdir", str(tmp_path / "one"))
    until((tmp_path / "one").exists, "the job")
    redis_server.stop()
    time.sleep(1)
    worker.terminate()  # while it looks for Redis
    assert worker.wait(20) == 0


def test_redis_going_during_a_job_does_not_end_the_worker(start, settings, redis_server, tmp_path):
    queue = JobQueue(settings.redis_address)
    worker = start("worker", "default")
    queue.ring("default", "time.sleep", 3, job_id="long")
    until(lambda: queue.running("long"), "the long job")
    redis_server.stop()
    time.sleep(5)
    redis_server.start()
    queue.ring("default", "os.mkdir", str(tmp_path / "after"))
    until((tmp_path / "after").exists, "the job after the interrupted one")
    assert worker.poll() is None
    assert "event=worker_restarts" in (tmp_path / "worker-default.log").read_text()


def test_a_training_job_runs_in_a_process_of_its_own(start, settings, redis_server, tmp_path):
    queue = JobQueue(settings.redis_address)
    worker = start("worker", "train")
    queue.ring("train", "time.sleep", 30, job_id="train-run-1")
    until(lambda: psutil.Process(worker.pid).children(), "the horse")
    horse = psutil.Process(worker.pid).children()[0]
    until(lambda: "main_work_horse" in " ".join(horse.cmdline()), "a spawned interpreter")
    horse.kill()
    until(lambda: queue.failed("train-run-1"), "RQ's own notice of the death")
    assert worker.poll() is None


def test_the_scheduler_rings_each_kind_once_and_outlives_redis(start, settings, redis_server):
    queue = JobQueue(settings.redis_address)
    scheduler = start("scheduler")
    until(lambda: queue.counts()["default"] == 3, "tick, sync and clean-up")
    redis_server.stop()
    time.sleep(7)
    assert scheduler.poll() is None
    redis_server.start()
    until(lambda: queue.knows("periodic-backend.jobs.tick"), "the tick")
    assert queue.counts()["default"] == 3
    scheduler.terminate()
    assert scheduler.wait(10) == 0
