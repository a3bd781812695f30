"""`goldloop retrain` and `goldloop rollback` as people type them, where the gate cannot judge."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from backend.cli import goldloop
from backend.db.tables import Gold, Project, Run, RunState, Version, VersionState
from backend.demo.stack import environment_of
from backend.errors import ConflictError, NotFoundError
from tests.backend.loop.conftest import World
from tests.backend.loop.test_training import ended, project_with_gold, train_worker, wait

pytestmark = pytest.mark.real

__all__ = ["train_worker"]


@pytest.fixture
def typed(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)
    for name, value in environment_of(world.context.settings).items():
        monkeypatch.setenv(name, value)

    def invoke(*words: object) -> str:
        told = CliRunner().invoke(goldloop, [str(word) for word in words])
        if told.exception is not None:
            raise told.exception
        return told.output

    return invoke


def trained(world: World, typed: Callable[..., str], project: Project) -> Run:
    """Change some gold and train on it, at the command line."""
    with world.context.database.write() as session:
        fresh = session.get_one(Project, project.id)
        fresh.gold_revision += 1
        session.query(Gold).filter_by(project_id=project.id).first().revision = fresh.gold_revision
    run_id = int(typed("retrain", project.key).split()[1])
    return wait(world, run_id, ended)


def champion(world: World, project: Project) -> str:
    with world.context.database.read() as session:
        fresh = session.get_one(Project, project.id)
        return session.get_one(Version, fresh.champion_id).name


def test_too_little_gate_gold_is_a_curators_decision_unless_the_setting_says_promote(
    world: World, train_worker: psutil.Process, typed: Callable[..., str]
):
    project = project_with_gold(world, gate_min_documents=50)
    assert trained(world, typed, project).state == RunState.PROMOTED
    assert champion(world, project) == "v10"

    second = trained(world, typed, project)
    assert second.state == RunState.WAITING
    assert "too little gate gold (10 of 50 documents)" in second.reason
    assert champion(world, project) == "v10"
    assert typed("retrain", project.key, "--refuse", second.id) == f"run {second.id} is refused\n"
    assert world.version(project, "v11").state == VersionState.REFUSED
    with pytest.raises(ConflictError, match="no decision"):
        typed("retrain", project.key, "--promote", second.id)
    with pytest.raises(ConflictError, match="was refused at the gate"):
        typed("rollback", project.key, "v11")

    third = trained(world, typed, project)
    assert third.state == RunState.WAITING
    assert typed("retrain", project.key, "--promote", third.id) == f"run {third.id} is promoted\n"
    assert champion(world, project) == "v12"

    with world.context.database.write() as session:
        fresh = session.get_one(Project, project.id)
        fresh.settings = {**fresh.settings, "gate_when_little": "promote"}
    fourth = trained(world, typed, project)
    assert fourth.state == RunState.PROMOTED
    assert "promoted, as the project's setting says" in fourth.reason
    assert champion(world, project) == "v13"

    assert typed("rollback", project.key, "v10", "--wait").endswith(": done\n")
    assert champion(world, project) == "v10"
    with world.context.database.write() as session:
        for name in ("colleague's model", "v2024"):  # adopted with predictions, without weights
            session.add(Version(project_id=project.id, name=name, state=VersionState.RETIRED))
    for name in ("colleague's model", "v2024"):
        with pytest.raises(NotFoundError, match="no version in the model store"):
            typed("rollback", project.key, name)
    assert champion(world, project) == "v10"
