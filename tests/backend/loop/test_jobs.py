"""The jobs that turn deliveries into work, and the tick that finds what a lost bell left."""

import pytest
from redis import Redis
from rq import Queue

from backend import jobs
from backend.db.annotations import waiting_events
from backend.db.tables import Document, Gold, InboxEvent, Project, Run, TaskState
from ml_backend.contract.messages import DEFAULT_QUEUE, TRAIN_QUEUE
from tests.backend.loop.conftest import World
from tests.backend.loop.test_training import project_with_gold
from tests.backend.workflow.loop_data import add_gold

pytestmark = pytest.mark.real


def submitted(world: World, project: Project) -> int:
    """Submit the next open task in Label Studio and deliver the event; the document's number."""
    document = world.open_documents(project)[0]
    studio = world.context.label_studio
    annotation = studio.submit(document.task_id, [])
    payload = {
        "action": "ANNOTATION_CREATED",
        "task": studio.task(document.task_id),
        "annotation": annotation,
    }
    with world.context.database.write() as session:
        session.add(InboxEvent(project_id=project.id, action=payload["action"], payload=payload))
    return document.id


def assert_taken_up(world: World, project: Project, document: int) -> None:
    with world.context.database.read() as session:
        assert waiting_events(session, 0, 1) == []
        assert session.get_one(Gold, document).source == "person"
        assert session.get_one(Document, document).task_state == TaskState.DONE


def runs_of(world: World, project: Project) -> list[Run]:
    with world.context.database.read() as session:
        return session.query(Run).filter_by(project_id=project.id).order_by(Run.id).all()


def test_deliveries_become_gold_a_run_and_new_tasks_by_bell_or_by_tick(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "context", lambda: world.context)
    redis = Redis.from_url(world.context.settings.redis_address)
    for name in (DEFAULT_QUEUE, TRAIN_QUEUE):
        Queue(name, connection=redis).empty()
    project = project_with_gold(world, documents=8, open_tasks=3, retrain_threshold=82)
    world.fill(project)
    assert len(world.open_documents(project)) == 3

    first = submitted(world, project)
    jobs.drain_inbox()
    assert_taken_up(world, project, first)
    assert runs_of(world, project) == []  # 81 of 82
    rung = {job.func_name for job in Queue(DEFAULT_QUEUE, connection=redis).jobs}
    assert "backend.jobs.top_up" in rung
    assert len(world.open_documents(project)) == 2
    jobs.top_up(project.id)
    assert len(world.open_documents(project)) == 3

    second = submitted(world, project)
    redis.flushdb()  # every bell is lost
    jobs.tick()
    assert_taken_up(world, project, second)
    (run,) = runs_of(world, project)
    assert (run.asked_by, run.state) == ("threshold", "queued")
    assert len(world.open_documents(project)) == 3

    redis.flushdb()
    assert Queue(TRAIN_QUEUE, connection=redis).jobs == []
    jobs.tick()
    rung_again = [job.args for job in Queue(TRAIN_QUEUE, connection=redis).jobs]
    assert (run.folder,) in rung_again  # beside the active runs of other tests' projects
    redis.flushdb()


def test_a_tick_sets_copies_aside_and_labels_them(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "context", lambda: world.context)
    project = world.project(documents=2)
    with world.context.database.write() as session:
        first = session.query(Document).filter_by(project_id=project.id).first()
        add_gold(session, first)
        copy = Document(
            project_id=project.id,
            external_id="copy",
            text=first.text,
            group_key=first.group_key,
        )
        session.add(copy)
    jobs.tick()
    with world.context.database.read() as session:
        assert session.get_one(Document, copy.id).canonical_id == first.id
        copied = session.get_one(Gold, copy.id)
        assert (copied.source, copied.entities) == (
            "copied",
            [{"start": 0, "end": 1, "label": "PS"}],
        )
