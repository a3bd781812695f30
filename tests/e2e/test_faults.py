"""What people did survives whatever stops: the receiver, Redis, a worker, the ML backend."""

import threading

import httpx
import psutil
import pytest
from sqlalchemy import select

from backend.db.tables import Gold, GoldSource, Run, RunState
from backend.loop.connect import sync_project

pytestmark = pytest.mark.real


def gold_of_people(loop) -> set[int]:
    with loop.stack.context.database.read() as session:
        rows = session.scalars(
            select(Gold.document_id).where(
                Gold.project_id == loop.project.id, Gold.source == GoldSource.PERSON
            )
        )
        return set(rows)


def state_of(loop, run_id: int) -> str:
    with loop.stack.context.database.read() as session:
        return session.get_one(Run, run_id).state


def test_annotations_made_while_the_receiver_is_down_are_reconciled(loop):
    annotator = loop.annotator()
    loop.stack.processes.stop("admin")
    annotator.work(4)
    assert not set(annotator.submitted) & gold_of_people(loop)

    loop.stack.start_service("admin")
    loop.stack.wait_web("admin", f"{loop.stack.settings.public_url}/health")
    sync_project(loop.stack.context, loop.key)

    assert set(annotator.submitted) <= gold_of_people(loop)


def test_redis_may_stop_while_people_annotate(loop):
    annotator = loop.annotator()
    annotator.work(2)
    loop.stack.processes.stop("redis")
    annotator.work(4)
    loop.stack.start_redis()
    annotator.work(1)

    loop.wait(lambda: set(annotator.submitted) <= gold_of_people(loop), "the inbox to be drained")
    loop.stack.processes.check()  # no worker gave up meanwhile


def test_a_worker_killed_in_training_leaves_nothing_half_made(loop):
    stack, champion, last_run = loop.stack, loop.champion, loop.last_run()
    versions = stack.context.models.versions(loop.key)
    loop.configure(training={"max_steps": 100_000})
    stack.context.queue.ring("default", "backend.jobs.request_training", loop.key, "a test")
    run = loop.run_after(last_run)
    loop.wait(lambda: state_of(loop, run.id) == RunState.TRAINING, "the training to begin")

    worker = stack.processes.running["worker-train"]
    for process in [*psutil.Process(worker.pid).children(recursive=True), worker]:
        process.kill()
    worker.wait()
    del stack.processes.running["worker-train"]
    stack.start_service("worker-train")
    loop.wait(lambda: state_of(loop, run.id) == RunState.FAILED, "the run to be given up")

    assert stack.context.models.versions(loop.key) == versions
    assert loop.champion.id == champion.id

    loop.configure(training={"max_steps": 150})
    stack.context.queue.ring("default", "backend.jobs.request_training", loop.key, "a test")
    again = loop.watch(after=run.id)
    assert again.state in (RunState.PROMOTED, RunState.REFUSED)
    assert again.snapshot_digest == loop.run_after(last_run).snapshot_digest


def test_the_ml_backend_restarts_under_load(loop):
    loop.published()  # what was trained before: one version answers throughout
    settings, stop = loop.stack.settings, threading.Event()
    annotator = loop.annotator()
    failures: list[object] = []
    answered_after: list[str] = []
    tasks = [{"id": number, "data": {"text": "최예나는 롯데와 계약했다"}} for number in range(20)]
    body = {"tasks": tasks, "label_config": loop.project.label_config}
    credentials = (settings.ml_backend_user, settings.ml_backend_password.get_secret_value())
    restarted = threading.Event()

    def ask() -> None:
        with httpx.Client(auth=credentials, timeout=30) as client:
            while not stop.is_set():
                try:
                    answer = client.post(
                        f"{settings.ml_backend_url}/p/{loop.key}/predict", json=body
                    )
                except httpx.TransportError:
                    continue  # it is down: the next request tries again
                if answer.status_code != 200 or len(answer.json()["results"]) != len(tasks):
                    failures.append(answer.text)
                elif restarted.is_set():
                    answered_after.extend(r["model_version"] for r in answer.json()["results"])

    def annotate() -> None:
        try:
            annotator.work(10)
        except Exception as error:  # whatever it is, the test shows it
            failures.append(error)

    people = [threading.Thread(target=ask) for _ in range(3)] + [threading.Thread(target=annotate)]
    for person in people:
        person.start()
    loop.stack.processes.stop("ml-backend")
    loop.stack.start_service("ml-backend")
    loop.stack.wait_web("ml-backend", f"{settings.ml_backend_url}/health")
    restarted.set()
    loop.wait(lambda: len(answered_after) > 100, "answers after the restart")
    stop.set()
    for person in people:
        person.join()

    assert failures == []
    assert set(answered_after) == {loop.champion.name}
    loop.wait(lambda: set(annotator.submitted) <= gold_of_people(loop), "the inbox to be drained")
