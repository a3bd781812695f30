""" "Start training" in the real Label Studio, through ML backend, Redis and worker."""

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db.tables import Project, Run
from backend.loop import training
from tests.backend.loop.conftest import World
from tests.backend.loop.test_training import project_with_gold

pytestmark = pytest.mark.real


@pytest.fixture
def worker_log(world: World):
    world.stack.start_service("worker-default")
    yield world.stack.processes.logs / "worker-default.log"
    world.stack.processes.stop("worker-default", kill=True)


def start_training(world: World, project: Project) -> None:
    """What the button does."""
    client = world.context.label_studio
    (backend,) = client.wiring.ml_backends(project.label_studio_id)
    client._call("POST", f"api/ml/{backend['id']}/train", body={})


def wait_for(what, seconds: float = 30.0):
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(0.1)
    return found


def test_it_opens_a_run(world: World, worker_log: Path):
    project = project_with_gold(world, attached=True, retrain_threshold=1000)

    def run():
        with world.context.database.read() as session:
            statement = select(Run).where(Run.project_id == project.id, Run.snapshot_digest != "")
            return session.scalars(statement).one_or_none()

    start_training(world, project)
    opened = wait_for(run)
    assert opened.asked_by == "Label Studio"
    training.cancel(world.context, opened.id, "x")


def test_with_too_little_gold_it_is_refused_with_a_sentence(world: World, worker_log: Path):
    project = world.project(documents=1, attached=True)
    start_training(world, project)
    told = wait_for(
        lambda: [
            line
            for line in worker_log.read_text("utf-8").splitlines()
            if f"project={project.key} by=Label Studio" in line
        ]
    )
    assert "training needs" in told[0]
    with world.context.database.read() as session:
        assert session.scalars(select(Run).where(Run.project_id == project.id)).all() == []
