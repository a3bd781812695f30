"""Training runs with the real train worker as a process."""

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import select

from backend.db import versions
from backend.db.audit_log import audit_entries
from backend.db.tables import Document, Gold, GoldSource, Part, Project, Run, RunState, Version
from backend.db.tables_of_autolabel import Autolabel, AutolabelRunState
from backend.errors import ConflictError
from backend.loop import autolabel, training
from backend.sample.generate import generate
from ml_backend.contract.entity import Entity
from ml_backend.contract.messages import JobFolder, TrainRequest
from ml_backend.contract.model_store import ModelStore
from ml_backend.contract.snapshot import read_part
from ml_backend.training.run import train
from tests.backend.loop.conftest import TINY, World

pytestmark = pytest.mark.real


@pytest.fixture
def train_worker(world: World) -> Iterator[psutil.Process]:
    world.stack.start_service("worker-train")
    yield psutil.Process(world.stack.processes.running["worker-train"].pid)
    world.stack.processes.stop("worker-train", kill=True)


def project_with_gold(
    world: World, *, steps: int = 60, documents: int = 0, **settings: object
) -> Project:
    project = world.project(
        documents=documents, training={**TINY, "min_steps": steps, "max_steps": steps}, **settings
    )
    with world.context.database.write() as session:
        session.query(Version).filter_by(project_id=project.id).delete()
        fresh = session.get_one(Project, project.id)
        fresh.next_version = 10
        for number, made in enumerate(generate(80, seed=5)):
            part = (Part.DEV, Part.GATE)[number % 2] if number >= 60 else Part.TRAIN
            document = Document(
                project_id=project.id,
                external_id=f"gold-{made.id}",
                text=made.text,
                group_key=hashlib.sha256(f"{project.id} {made.id}".encode()).hexdigest(),
                deduped=True,
                part=part,
            )
            session.add(document)
            session.flush()
            fresh.gold_revision += 1
            session.add(
                Gold(
                    document_id=document.id,
                    project_id=project.id,
                    entities=[entity.to_dict() for entity in made.entities],
                    source=GoldSource.PERSON,
                    revision=fresh.gold_revision,
                )
            )
    return project


def wait(world: World, run_id: int, until: Callable[[Run], bool], seconds: float = 120) -> Run:
    """Advance a run as the tick does until it is so."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        training.advance(world.context, run_id)
        with world.context.database.read() as session:
            run = session.get_one(Run, run_id)
        if until(run):
            return run
        time.sleep(0.2)
    raise AssertionError(f"still {run.state}: {run.reason}")


def ended(run: Run) -> bool:
    return run.state not in (RunState.QUEUED, RunState.TRAINING, RunState.JUDGING)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.safetensors"))
    }


def test_a_killed_worker_leaves_no_version_and_the_rerun_is_identical(
    world: World, train_worker: psutil.Process, tmp_path: Path
):
    project = project_with_gold(world, steps=300)
    opened = training.request(world.context, project.key, "a test")
    assert opened.run is not None
    first = wait(world, opened.run.id, lambda run: run.state == RunState.TRAINING)
    horse = next(child for child in train_worker.children() if child.is_running())
    horse.kill()
    failed = wait(world, first.id, ended)
    assert failed.state == RunState.FAILED
    assert "the worker died" in failed.reason
    assert failed.version_id is None
    assert "v10" not in world.context.models.versions(project.key)
    with world.context.database.read() as session:
        assert session.query(Version).filter_by(project_id=project.id).count() == 0

    again = training.retry(world.context, failed.id, "a test")
    assert again.snapshot_digest == failed.snapshot_digest
    with world.context.database.read() as session:
        (noted,) = audit_entries(session, project_id=project.id, action="run.retry")
    assert (noted.who, noted.subject) == ("a test", f"run {again.id}")
    done = wait(world, again.id, ended)
    assert (done.state, done.reason) == (RunState.PROMOTED, "the first version needs no opponent")
    assert world.version(project, "v10").figures["gate"]["documents"] == 10
    with pytest.raises(ConflictError, match="v10 is there"):
        training.retry(world.context, failed.id, "a test")

    elsewhere = JobFolder(tmp_path / "job")
    shutil.copytree(Path(failed.folder) / "snapshot", elsewhere.snapshot)
    asked = JobFolder(Path(failed.folder)).train_request()
    elsewhere.write_request(
        TrainRequest(asked.project_key, "v10", str(tmp_path / "store"), None, 0, asked.config)
    )
    train(str(elsewhere.path))
    trained = ModelStore(tmp_path / "store").version_folder(asked.project_key, "v10")
    assert digests(trained)
    assert digests(trained) == digests(world.context.models.version_folder(project.key, "v10"))


def test_cancelling_stops_a_training_run_and_begins_no_other(
    world: World, train_worker: psutil.Process
):
    project = project_with_gold(world, steps=2000, retrain_threshold=5)
    opened = training.request(world.context, project.key, "a test")
    wait(world, opened.run.id, lambda run: run.state == RunState.TRAINING)
    training.cancel(world.context, opened.run.id, "x")
    run = wait(world, opened.run.id, ended)
    assert (run.state, run.version_id) == (RunState.CANCELLED, None)
    assert not training.request_if_due(world.context, project.id)


def test_a_wish_during_a_run_is_granted_after_it_if_gold_has_changed(
    world: World, train_worker: psutil.Process
):
    project = project_with_gold(world, documents=4, gate_min_documents=10)
    world.fill(project)
    opened = training.request(world.context, project.key, "a test")
    again = training.request(world.context, project.key, "somebody")
    assert again.run is None
    with world.context.database.write() as session:
        fresh = session.get_one(Project, project.id)
        gold = session.query(Gold).filter_by(project_id=project.id).first()
        fresh.gold_revision += 1
        gold.revision = fresh.gold_revision
    wait(world, opened.run.id, ended)
    with world.context.database.read() as session:
        runs = session.query(Run).filter_by(project_id=project.id).order_by(Run.id).all()
    assert [run.asked_by for run in runs] == ["a test", "somebody"]
    # whom it has to beat is not known before the first version's publication has ended
    assert training.advance(world.context, runs[1].id) == RunState.QUEUED
    with world.context.database.read() as session:
        assert session.get_one(Run, runs[1].id).folder == ""
        published = versions.active_publication(session, project.id)
    assert JobFolder(Path(published.folder)).predict_request().version == "v10"
    assert world.finish(published.id).state == "done"
    second = wait(world, runs[1].id, ended)
    assert JobFolder(Path(second.folder)).train_request().champion == "v10"
    assert second.state in (RunState.PROMOTED, RunState.REFUSED)
    assert second.gold_revision > runs[0].gold_revision


def promoted(world: World, project: Project) -> None:
    """Train a first version and publish it."""
    run = training.request(world.context, project.key, "a test").run
    wait(world, run.id, ended)
    with world.context.database.read() as session:
        active = versions.active_publication(session, project.id)
    if active is not None:
        world.finish(active.id)
    assert world.fresh(project).champion_id


def test_a_challenger_is_judged_on_the_frozen_gate_gold(world: World, train_worker: psutil.Process):
    project = project_with_gold(world, steps=200, gate_min_documents=10)
    promoted(world, project)
    sabotage(world, project)
    second = training.request(world.context, project.key, "a test").run
    run = wait(world, second.id, ended)
    assert run.state == RunState.REFUSED
    assert "may be worse" in run.reason
    assert world.version(project, "v11").state == "refused"
    assert run.gate["challenger"]["micro"]["f1"] < run.gate["champion"]["micro"]["f1"]
    assert run.gate["difference"]["low"] < -0.02


def test_what_the_champion_is_sure_of_teaches_the_next_version(
    world: World, train_worker: psutil.Process
) -> None:
    project = project_with_gold(
        world, steps=200, documents=24, gate_min_documents=10, pseudo_confidence=0.5
    )
    promoted(world, project)
    labelling = autolabel.start(world.context, project.id, "a test")
    while autolabel.advance(world.context, labelling.id) == AutolabelRunState.RUNNING:
        world.predict()
    with world.context.database.read() as session:
        confidences = session.scalars(
            select(Autolabel.confidence).where(Autolabel.project_id == project.id)
        ).all()
    sure = [one for one in confidences if one >= 0.5]
    assert 0 < len(sure) < len(confidences) == 24
    run = wait(world, training.request(world.context, project.key, "a test").run.id, ended)
    assert run.state in (RunState.PROMOTED, RunState.REFUSED), run.reason
    assert len(list(read_part(JobFolder(Path(run.folder)).snapshot, "pseudo"))) == len(sure)


def sabotage(world: World, project: Project) -> None:
    """From now on training sees gold whose every entity is one character off."""
    with world.context.database.write() as session:
        fresh = session.get_one(Project, project.id)
        for gold in session.query(Gold).filter_by(project_id=project.id):
            if gold.document.part != Part.TRAIN:
                continue
            text = gold.document.text
            gold.entities = [
                Entity(one["start"] + 1, one["end"] + 1, one["label"]).to_dict()
                for one in gold.entities
                if one["end"] < len(text)
            ]
            fresh.gold_revision += 1
            gold.revision = fresh.gold_revision
