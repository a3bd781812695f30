"""The page of jobs: with Redis and a worker's work, with another project's jobs, and with none."""

import inspect
import json

import pytest
from flask.testing import FlaskClient
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import select

from backend import jobs
from backend.admin.words.job_titles import JOBS as TITLES
from backend.clients.queue import JobQueue
from backend.db.session import Database
from backend.db.tables import Project, Run, RunState
from backend.settings import Settings
from ml_backend.contract.messages import PREDICT_FILE_JOB
from tests.backend.admin.conftest import SignIn, token_in
from tests.backend.admin.queries import assert_few_queries
from tests.servers import RedisServer

JOBS = "/projects/general/jobs"


@pytest.fixture
def curator(sign_in: SignIn) -> FlaskClient:
    return sign_in("curator")


@pytest.fixture
def queue(settings: Settings, redis_server: RedisServer) -> JobQueue:
    return JobQueue(settings.redis_address)


def ids(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {project.key: project.id for project in session.scalars(select(Project))}


def test_every_job_has_a_name() -> None:
    ours = {
        f"backend.jobs.{name}"
        for name, its in vars(jobs).items()
        if inspect.isfunction(its) and its.__module__ == jobs.__name__ and name[0] != "_"
    }
    assert ours - set(TITLES) == set()


def section(page: str, name: str) -> str:
    after = page.split(f'data-testid="{name}"', maxsplit=1)[1]
    return after.split("</section>", maxsplit=1)[0]


def send(client: FlaskClient, action: str, job: str) -> str:
    """Send a form of the page; the sentence that comes back."""
    form = {"csrf_token": token_in(client.get(JOBS).text), "job": job}
    answer = client.post(f"{JOBS}/{action}", data=form)
    assert (answer.status_code, answer.location) == (303, JOBS)
    return client.get(JOBS).text.split('class="notice ')[1].split("</li>")[0]


@pytest.mark.real
def test_jobs_of_this_project_and_of_all_are_told_and_no_other_projects(
    curator: FlaskClient, queue: JobQueue, filled: Database, settings: Settings
) -> None:
    project = ids(filled)
    queue.ring("default", "backend.jobs.top_up", project["general"], job_id="ours")
    queue.ring("default", "backend.jobs.sync", project["empty"], job_id="theirs")
    queue.ring("default", "backend.jobs.tick", job_id="shared")
    with filled.read() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
    queue.ring("default", "backend.jobs.advance_run", run.id)
    for key in ("general", "empty"):
        folder = settings.jobs / f"predict-{key}"
        folder.mkdir(parents=True)
        (folder / "request.json").write_text(json.dumps({"project_key": key}))
        queue.ring("predict", PREDICT_FILE_JOB, str(folder), job_id=folder.name)
    queued = section(curator.get(JOBS).text, "queued")
    names = [part.split(" <span")[0].split("</span>")[0] for part in queued.split('job-name">')[1:]]
    assert names == [
        "Top up the open tasks",
        "Look after everything that is under way",
        "Lead a training run on",
        "Tag documents",
    ]
    assert queued.count("all projects") == 1
    assert "taken out of its queue" in send(curator, "cancel", "ours")
    assert "Top up" not in section(curator.get(JOBS).text, "queued")
    assert "There is no job" in send(curator, "cancel", "ours")
    assert "There is no job" in send(curator, "cancel", "theirs")
    assert queue.knows("theirs")


@pytest.mark.real
def test_a_failed_job_tells_why_and_is_tried_again(
    curator: FlaskClient, queue: JobQueue, filled: Database
) -> None:
    number = ids(filled)["general"]
    queue.ring("default", "backend.jobs.none_of_ours", number, job_id="unknown")
    queue.ring("default", "backend.jobs.sync", number, "too", "many", job_id="broken")
    worker = SimpleWorker(["default"], connection=Redis.from_url(queue.redis_address))
    worker.work(burst=True, logging_level="CRITICAL")
    failed = section(curator.get(JOBS).text, "failed")
    assert "Compare with Label Studio" in failed
    assert "TypeError: sync() takes 1 positional argument but 3 were given" in failed
    assert "<details" in failed
    assert "Traceback (most recent call last)" in failed
    assert "waits in its queue again" in send(curator, "retry", "broken")
    assert "has moved on meanwhile" in send(curator, "retry", "broken")
    assert "Compare with Label Studio" in section(curator.get(JOBS).text, "queued")


@pytest.mark.real
def test_workers_and_queues_are_told(curator: FlaskClient, queue: JobQueue) -> None:
    page = curator.get(JOBS).text
    assert "No worker is alive" in page
    assert "nobody works on it" in section(page, "workers")
    worker = SimpleWorker(["train"], connection=Redis.from_url(queue.redis_address), name="t-1")
    worker.register_birth()
    row = section(curator.get(JOBS).text, "workers").split("<code>t-1</code>")[1]
    assert "train" in row
    assert "waits for jobs" in row


def test_without_redis_the_page_tells_what_the_database_knows(
    curator: FlaskClient, filled: Database
) -> None:
    with filled.write() as session:
        project = session.get_one(Project, ids(filled)["general"])
        run = Run(project_id=project.id, state=RunState.FAILED, asked_by="x", reason="it diverged")
        run.snapshot_digest = "1"
        session.add(run)
    page = curator.get(JOBS).text
    assert "Redis does not answer" in page
    assert "412 of 900" in page
    failed = section(page, "failed")
    assert "it diverged" in failed
    assert "Run again" in failed
    assert "nothing was changed" in send(curator, "retry", "x")
    live = curator.get(f"{JOBS}/live").text
    assert live == curator.get(f"{JOBS}/live").text
    assert "csrf_token" not in live


def test_an_autolabel_run_that_is_not_there_is_not_cancelled(curator: FlaskClient) -> None:
    assert 'class="notice' in curator.get(JOBS).text
    assert "utolabel" in send(curator, "cancel-autolabel", "")


def test_the_page_takes_few_queries(curator: FlaskClient) -> None:
    assert_few_queries(curator, JOBS)
