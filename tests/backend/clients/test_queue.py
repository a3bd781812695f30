"""The bell, with the real Redis."""

import pytest
from redis import Redis
from rq import SimpleWorker

from backend.clients.queue import JobQueue

pytestmark = pytest.mark.real


@pytest.fixture
def queue(redis_server) -> JobQueue:
    return JobQueue(redis_server.address)


def work(queue: JobQueue, *names: str) -> None:
    SimpleWorker(list(names), connection=Redis.from_url(queue.redis_address)).work(
        burst=True, logging_level="WARNING"
    )


def test_one_waiting_job_of_a_name_is_enough(queue: JobQueue):
    for _ in range(3):
        assert queue.ring("default", "time.sleep", 0, job_id="periodic-backend.jobs.tick")
    assert queue.counts() == {"default": 1, "predict": 0, "train": 0}
    assert queue.knows("periodic-backend.jobs.tick")
    work(queue, "default")
    assert not queue.knows("periodic-backend.jobs.tick")
    queue.ring("default", "time.sleep", 0, job_id="periodic-backend.jobs.tick")
    assert queue.counts()["default"] == 1


def test_one_more_waits_while_another_runs_for_it_may_have_looked_already(queue: JobQueue):
    queue.ring("default", "time.sleep", 0, job_id="look")
    Redis.from_url(queue.redis_address).hset("rq:job:look", "status", "started")
    assert queue.running("look")
    for _ in range(3):
        queue.ring("default", "time.sleep", 0, job_id="look")
    assert queue.counts()["default"] == 2


@pytest.mark.parametrize(("job", "argument"), [("math.sqrt", 4), ("math.sqrt", -4)])
def test_the_follow_up_comes_after_the_job_however_it_ends(queue: JobQueue, job, argument):
    queue.ring("predict", job, argument, job_id="first")
    queue.ring("default", "time.sleep", 0, after="first")
    assert queue.counts() == {"default": 0, "predict": 1, "train": 0}
    work(queue, "predict")
    assert queue.failed("first") == (argument < 0)
    assert queue.counts()["default"] == 1


def test_a_follow_up_waits_once_and_again_for_the_next_job(queue: JobQueue):
    for job in ("first", "second", "first"):
        queue.ring("predict", "time.sleep", 0, job_id=job)
        for _ in range(3):
            queue.ring("default", "time.sleep", 0, after=job)
        queue.ring("default", "time.sleep", 0.0, after=job)  # another
        work(queue, "predict")
        assert queue.counts()["default"] == 2
        work(queue, "default")


def test_a_follow_up_that_runs_may_wait_again(queue: JobQueue):
    queue.ring("predict", "time.sleep", 0, job_id="first")
    queue.ring("default", "time.sleep", 0, after="first")
    redis = Redis.from_url(queue.redis_address)
    (its,) = redis.keys("rq:job:first-*")
    redis.hset(its, "status", "started")
    queue.ring("default", "time.sleep", 0, after="first")
    work(queue, "predict")
    assert queue.counts()["default"] == 2


def test_a_failed_job_can_be_rung_again_under_its_name(queue: JobQueue):
    queue.ring("default", "math.sqrt", -1, job_id="again")
    work(queue, "default")
    assert queue.failed("again")
    queue.ring("default", "math.sqrt", 1, job_id="again")
    work(queue, "default")
    assert not queue.failed("again")


def test_a_follow_up_of_a_job_that_is_gone_is_rung_at_once(queue: JobQueue):
    queue.ring("default", "time.sleep", 0, after="never-was")
    assert queue.counts()["default"] == 1


def test_without_redis_it_says_so_and_works_again_afterwards(queue, redis_server):
    assert queue.alive()
    redis_server.stop()
    assert not queue.ring("default", "time.sleep", 0)
    assert not queue.alive()
    assert not queue.knows("x")
    redis_server.start()
    assert queue.ring("default", "time.sleep", 0)
    assert queue.alive()
