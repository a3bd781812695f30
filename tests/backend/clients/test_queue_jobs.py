"""What people see of the queues, with the real Redis and a real worker."""

import pytest
from redis import Redis
from rq import SimpleWorker

from backend.clients.queue import JobQueue
from backend.clients.queue_jobs import QueuedJob
from ml_backend.contract.messages import JobFolder, Progress

pytestmark = pytest.mark.real


@pytest.fixture
def queue(redis_server) -> JobQueue:
    return JobQueue(redis_server.address)


def work(queue: JobQueue, name: str) -> None:
    worker = SimpleWorker([name], connection=Redis.from_url(queue.redis_address))
    worker.work(burst=True, logging_level="CRITICAL")


def test_waiting_jobs_are_told_in_their_order_and_can_be_taken_out(queue: JobQueue):
    for number in (3, 1, 2):
        queue.ring("default", "time.sleep", number, job_id=f"sleep-{number}")
    queue.ring("predict", "time.sleep", 9, after="sleep-3")
    jobs = queue.jobs.jobs()
    assert [(job.queue, job.args, job.state) for job in jobs] == [
        ("default", (3,), "queued"),
        ("default", (1,), "queued"),
        ("default", (2,), "queued"),
        ("predict", (9,), "queued"),
    ]
    assert all(job.job == "time.sleep" and job.since is not None for job in jobs[:3])
    assert queue.jobs.cancel("sleep-1")
    assert not queue.jobs.cancel("sleep-1")
    assert queue.jobs.cancel(jobs[3].id)  # it waited for another
    assert [job.args for job in queue.jobs.jobs()] == [(3,), (2,)]


def test_a_failed_job_tells_its_reason_and_is_tried_again(queue: JobQueue):
    queue.ring("default", "json.loads", "{", job_id="reads")
    work(queue, "default")
    (failed,) = queue.jobs.jobs()
    assert (failed.state, failed.job, failed.args) == ("failed", "json.loads", ("{",))
    assert "went wrong (JSONDecodeError: Expecting property name" in failed.reason
    assert failed.traceback.startswith("Traceback")
    assert failed.since is not None
    assert not queue.jobs.cancel("reads")  # it does not wait
    assert queue.jobs.retry("reads")
    assert not queue.jobs.retry("reads")
    assert [job.state for job in queue.jobs.jobs()] == ["queued"]
    assert not queue.jobs.retry("none")


def test_a_waiting_job_is_taken_out_by_its_name(queue: JobQueue):
    queue.ring("default", "time.sleep", 1, job_id="release-p.1-make")
    assert queue.take_out("release-p.1-make")
    assert not queue.take_out("release-p.1-make")
    assert queue.jobs.jobs() == []
    assert not JobQueue("redis://127.0.0.1:9").take_out("release-p.1-make")  # it is down


@pytest.mark.parametrize("job_id", ["", "a b", "작업", "../x", "nul \x00", "x" * 5000])
def test_an_id_that_no_job_can_have_names_none(queue: JobQueue, job_id: str):
    assert queue.jobs.job(job_id) is None
    assert not queue.jobs.cancel(job_id)
    assert not queue.jobs.retry(job_id)


def test_an_error_of_ours_is_its_own_sentence():
    traceback = (
        "Traceback (most recent call last):\n  …\nbackend.errors.ConflictError: it has ended\n"
    )
    job = QueuedJob("1", "backend.jobs.tick", (), "default", "failed", None, traceback)
    assert job.reason == "it has ended"
    assert QueuedJob("1", "x", (), "default", "failed", None, "").reason == ""
    other = QueuedJob("1", "x", (), "default", "failed", None, "a\nKeyError: 'x'")
    assert other.reason == "something unforeseen went wrong (KeyError: 'x'): the log says where"


def test_a_running_job_tells_how_far_it_is(queue: JobQueue, tmp_path):
    folder = JobFolder(tmp_path / "predict-1")
    folder.write_progress(Progress(1, "tagging", 5, 10))
    queue.ring("predict", "ml_backend.none", str(folder.path), job_id="predict-1")
    redis = Redis.from_url(queue.redis_address)
    worker = SimpleWorker(["predict"], connection=redis)
    worker.register_birth()
    job, _queue = worker.dequeue_job_and_maintain_ttl(1)
    worker.prepare_execution(job)
    worker.prepare_job_execution(job)
    (running,) = queue.jobs.jobs()
    assert (running.state, running.progress.done) == ("running", 5)
    (alive,) = queue.jobs.workers()
    assert (alive.queue, alive.busy, alive.failed) == ("predict", True, 0)
    assert queue.jobs.job("predict-1").folder == folder
    assert queue.jobs.job("none") is None
