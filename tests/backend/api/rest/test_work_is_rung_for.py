"""An action that workers do is noted and rung for: no request waits for its work."""

import pytest
from sqlalchemy import select

from backend.db.tables import Project, Publication, PublicationState, Run, RunState
from backend.db.tables_of_autolabel import AutolabelRun
from backend.opened import opened_by


@pytest.fixture
def rung(app, monkeypatch) -> list[tuple[str, int]]:
    """The jobs that were rung for."""
    found: list[tuple[str, int]] = []
    queue = opened_by(app).queue
    monkeypatch.setattr(
        queue, "ring", lambda _queue, job, number, **_more: found.append((job, number))
    )
    return found


@pytest.fixture
def ask(program):
    return program("curator")


def test_a_run_is_begun_and_cancelled(ask, filled, rung) -> None:
    with filled.write() as session:
        session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one().state = "failed"
    began = ask("POST", "/projects/general/runs", json={})
    assert (began.status_code, began.json["state"]) == (202, "queued")
    number = began.json["id"]
    with filled.read() as session:
        assert session.get_one(Run, number).snapshot_digest == ""  # nothing is frozen yet
    cancelled = ask("POST", f"/projects/general/runs/{number}/cancel")
    assert (cancelled.status_code, cancelled.json["state"]) == (202, "cancelled")
    assert rung == [("backend.jobs.advance_run", number)] * 2


def test_a_run_whose_snapshot_is_gone_is_not_run_again(ask, filled, rung) -> None:
    with filled.write() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
        run.state, run.snapshot_digest = RunState.FAILED, "0" * 64
    answer = ask("POST", f"/projects/general/runs/{run.id}/retry")
    assert answer.status_code == 409
    assert "nothing to run again" in answer.json["detail"]
    assert rung == []


def test_a_version_is_published(ask, app, filled, rung) -> None:
    opened_by(app).models.version_folder("general", "v2").mkdir(parents=True)
    asked = ask("POST", "/projects/general/publications", json={"version": "v2"})
    assert (asked.status_code, asked.json["state"]) == (202, "predicting")
    assert rung == [("backend.jobs.advance_publication", asked.json["id"])]


def test_a_challenger_is_promoted(ask, filled, rung) -> None:
    with filled.write() as session:
        run = session.scalars(select(Run).where(Run.state == RunState.REFUSED)).one()
        run.state = RunState.WAITING
    answer = ask("POST", f"/projects/general/runs/{run.id}/decision", json={"promote": True})
    assert (answer.status_code, answer.json["state"]) == (200, "promoted")
    with filled.read() as session:
        began = session.scalars(
            select(Publication).where(Publication.state == PublicationState.PREDICTING)
        ).one()
    assert rung == [("backend.jobs.advance_publication", began.id)]


def test_autolabelling_is_begun(ask, filled, rung) -> None:
    began = ask("POST", "/projects/general/autolabels/start")
    assert began.status_code == 202, began.text
    with filled.read() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        run = session.scalars(select(AutolabelRun)).one()
    assert (run.project_id, run.state, run.done) == (project.id, "running", 0)
    assert rung == [("backend.jobs.advance_autolabel", run.id)]
