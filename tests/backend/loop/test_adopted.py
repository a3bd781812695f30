"""An adopted project: read, learnt from when asked, and not written to before it is connected."""

from itertools import islice

import pytest

from backend import jobs
from backend.db.audit_log import audit_entries
from backend.db.projects import project_by_key
from backend.db.tables import Document, Run, TaskState, Version
from backend.loop.adopt import adopt
from backend.loop.connect import connect_project
from backend.sample.generate import generate
from ml_backend.contract.label_studio import parse_label_config, to_regions
from tests.backend.loop.conftest import CONFIG, World

pytestmark = pytest.mark.real


def everything(world: World, number: int) -> object:
    studio = world.context.label_studio
    shown = {
        name: value
        for name, value in studio.project(number).items()
        if name not in ("queue_done", "queue_total", "queue_left")
    }
    return (
        shown,
        list(studio.tasks(number)),
        studio.predictions(number),
        studio.wiring.webhooks(number),
        studio.wiring.ml_backends(number),
    )


def test_nothing_is_changed_in_an_adopted_project_before_it_is_connected(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "context", lambda: world.context)
    studio, control = world.context.label_studio, parse_label_config(CONFIG)
    number = studio.create_project("theirs", CONFIG)
    tasks = []
    for made in islice(generate(70, seed=77), 60):
        task = {"data": {control.text_field: made.text}}
        if len(tasks) < 55:
            regions, _ = to_regions(made.entities, made.text, control)
            task["annotations"] = [{"result": regions}]
        tasks.append(task)
    studio.import_tasks(number, tasks)
    key = "adopted"
    adopted = adopt(world.context.database, studio, key=key, label_studio_id=number, by="x")
    for name, folder in world.versions.items():
        world.context.models.add(key, name, folder)
    with world.context.database.write() as session:
        (noted,) = audit_entries(session, project_id=adopted.project_id)
        assert (noted.who, noted.action) == ("x", "project.adopt")
        session.add(Version(project_id=adopted.project_id, name="v1"))
        session.add(
            Document(
                project_id=adopted.project_id,
                external_id="pool",
                text="새 글",
                group_key="f" * 64,
                deduped=True,
            )
        )
        project = project_by_key(session, key)
    before = everything(world, number)

    for _ in range(2):
        jobs.tick()
        jobs.sync(adopted.project_id)
        jobs.clean_up_projects()
    assert world.publish(project, "v1").state == "done"  # a curator's wish: served, not sent
    jobs.tick()
    jobs.clean_up(adopted.project_id)
    assert everything(world, number) == before
    with world.context.database.read() as session:
        assert session.query(Run).filter_by(project_id=adopted.project_id).count() == 0

    connect_project(world.context, key, by="x")
    for _ in range(3):
        jobs.tick()
        world.predict()
    with world.context.database.read() as session:
        assert session.query(Run).filter_by(project_id=adopted.project_id).count() == 1
        still_open = session.query(Document).filter_by(
            project_id=adopted.project_id, task_state=TaskState.OPEN
        )
        wanted = {document.task_id for document in still_open}
    assert len(wanted) == 6
    assert set(studio.prediction_tasks(number, "v1")) == wanted
