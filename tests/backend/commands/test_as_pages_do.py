"""What pages do, by command: people and roles, jobs, versions, shared documents, replays."""

import json
import tarfile
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import select

from backend.clients.queue import JobQueue
from backend.commands.jobs import jobs
from backend.commands.members import members
from backend.commands.models import retrain
from backend.commands.project_replays import replays
from backend.commands.release import release
from backend.commands.shared import shared
from backend.commands.trained import models
from backend.commands.user import user
from backend.db.audit_log import audit_entries
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Run, RunState
from backend.errors import ConflictError, InvalidInputError, NotFoundError, QueueDownError
from backend.settings import Settings
from ml_backend.contract.messages import JobFolder, Result
from ml_backend.contract.model_store import ModelStore
from tests.backend.admin.conftest import _filled, filled
from tests.backend.admin.model_data import leave_course, leave_reports
from tests.backend.admin.people_data import SHARED, WAITING, add_shared_work
from tests.backend.admin.replay_data import measured
from tests.servers import RedisServer

__all__ = ("_filled", "filled")

CURATOR, ANNOTATOR = "curator@example.com", "annotator@example.com"


@pytest.fixture
def run(settings: Settings, filled: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command; its JSON where that is asked for, or else its words. Errors go on."""
    monkeypatch.setenv("GOLDLOOP_HOME", str(settings.goldloop_home))
    monkeypatch.setenv("COLUMNS", "200")

    def ran(command: click.Command, *words: str) -> Any:
        result = CliRunner().invoke(command, words)
        if isinstance(result.exception, Exception):
            raise result.exception
        return json.loads(result.stdout) if "--json" in words else result.output

    return ran


def test_members_come_and_go(run: Any, filled: Database) -> None:
    assert [one["email"] for one in run(members, "list", "general", "--json")] == [ANNOTATOR]
    assert run(members, "add", "general", CURATOR, "--json")["email"] == CURATOR
    with pytest.raises(ConflictError, match="is a member already"):
        run(members, "add", "general", CURATOR)
    with pytest.raises(NotFoundError):
        run(members, "add", "general", "nobody@example.com")
    assert CURATOR in run(members, "list", "general")
    assert "is no member any more" in run(members, "remove", "general", CURATOR)
    with filled.read() as session:
        found = [one.action for one in audit_entries(session, action="member.")]
    assert found == ["member.remove", "member.add"]


def test_a_role_is_given(run: Any) -> None:
    assert run(user, "role", ANNOTATOR, "curator", "--json")["role"] == "curator"
    roles = {one["email"]: one["role"] for one in run(user, "list", "--json")}
    assert roles[ANNOTATOR] == "curator"
    assert "annotator now" in run(user, "role", ANNOTATOR, "annotator")


def test_without_redis_jobs_say_so(run: Any) -> None:
    for words in (["list"], ["cancel", "x"], ["retry", "x"]):
        with pytest.raises(QueueDownError, match="try again when it is back"):
            run(jobs, *words)


@pytest.mark.real
def test_jobs_are_listed_cancelled_and_tried_again(
    run: Any, settings: Settings, redis_server: RedisServer
) -> None:
    queue = JobQueue(settings.redis_address)
    queue.ring("default", "backend.jobs.none_of_ours", job_id="broken")
    worker = SimpleWorker(["default"], connection=Redis.from_url(queue.redis_address))
    worker.work(burst=True, logging_level="CRITICAL")
    queue.ring("default", "backend.jobs.tick", job_id="waits")
    told = run(jobs, "list", "--json")["jobs"]
    assert {one["id"]: one["state"] for one in told} == {"waits": "queued", "broken": "failed"}
    assert "is out of its queue" in run(jobs, "cancel", "waits")
    with pytest.raises(NotFoundError):
        run(jobs, "cancel", "waits")
    assert run(jobs, "retry", "broken", "--json") == {"job": "broken", "done": "retry"}
    with pytest.raises(ConflictError, match="moved on meanwhile: it was not to be tried again"):
        run(jobs, "retry", "broken")
    assert "queued\tdefault\tnone_of_ours\tbroken" in run(jobs, "list")


def test_the_course_of_a_run_is_told(run: Any, filled: Database) -> None:
    with filled.read() as session:
        training = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
    number = str(training.id)
    assert run(models, "course", "general", number, "--json") == []
    leave_course(JobFolder(Path(training.folder)), 80)
    told = run(models, "course", "general", number, "--json")
    assert [one["step"] for one in told] == list(range(2, 81, 2))
    assert [one["step"] for one in told if one["dev_f1"] is not None] == [40, 80]
    assert "0.516" in run(models, "course", "general", number)
    for project, other in (("empty", number), ("general", "99")):
        with pytest.raises(NotFoundError):
            run(models, "course", project, other)


def test_versions_and_runs_are_told_compared_and_downloaded(
    run: Any, filled: Database, settings: Settings, tmp_path: Path
) -> None:
    leave_reports(filled, settings.jobs)
    assert [one["name"] for one in run(models, "list", "general", "--json")] == [
        *("v1", "v2", "v3", "v4")
    ]
    assert "v3\tchampion" in run(models, "list", "general")
    newest = run(models, "runs", "general", "--limit", "2", "--json")
    rest = run(models, "runs", "general", "--before", str(newest[-1]["id"]), "--json")
    assert [one["id"] for one in newest + rest] == [5, 4, 3, 2, 1]
    told = run(models, "report", "general", "v3", "--json")
    assert (told["part"], set(told["intervals"])) == ("gate", {"micro", "per_label"})
    assert "gate gold" in run(models, "report", "general", "v3")
    assert run(models, "compare", "general", "v1", "v3", "--json")["documents"] > 0
    assert "v3 less v1" in run(models, "compare", "general", "v1", "v3")
    folder = ModelStore(settings.models).version_folder("general", "v3")
    folder.mkdir(parents=True)
    (folder / "weights").write_bytes(b"w" * 600)
    out = tmp_path / "v3.tar"
    run(models, "download", "general", "v3", "--out", str(out))
    with tarfile.open(out) as archive:
        assert archive.getnames() == ["general-v3/weights"]
    with pytest.raises(InvalidInputError, match="is there already"):
        run(models, "download", "general", "v3", "--out", str(out))
    with pytest.raises(NotFoundError):
        run(models, "report", "general", "v9")


def test_a_run_has_choices_of_its_own(run: Any, filled: Database) -> None:
    for wrong in ("head=oracle", "epochs=0", "colour=red", "head"):
        with pytest.raises(InvalidInputError):
            run(retrain, "empty", "--set", wrong)
    with pytest.raises(ConflictError, match="make your choices when it has ended"):
        run(retrain, "general", "--set", "head=span", "--set", "epochs=3")
    with filled.read() as session:
        assert session.get_one(Run, 5).options == {}


def test_shared_documents_are_settled_and_asked_for_again(run: Any, filled: Database) -> None:
    with filled.write() as session:
        add_shared_work(session, project_by_key(session, "general"))
    waiting = run(shared, "list", "general", "--json")["waiting"]
    assert waiting == [SHARED + number + 1 for number in range(WAITING)]
    told = run(shared, "settle", "general", str(waiting[0]), "--json")
    assert told == {"settled": [{"document": waiting[0], "annotators": 2}]}
    assert run(shared, "list", "general").split() == [str(one) for one in waiting[1:]]
    run(shared, "wait", "general", str(waiting[0]), "--annotators", "2")
    assert run(shared, "list", "general", "--json")["waiting"] == waiting


def test_replays_are_begun_shown_stopped_and_gone_on_with(run: Any, settings: Settings) -> None:
    measured(settings.jobs, 1, Result("done"))
    begun = run(replays, "begin", "empty", "--strategies", "mnlp", "--rounds", "2", "--json")
    assert (begun["number"], begun["strategies"]) == (2, ["random", "mnlp"])
    with pytest.raises(ConflictError, match="a replay of empty is under way"):
        run(replays, "begin", "empty")
    run(replays, "cancel", "empty", "2")
    stopped = run(replays, "list", "empty", "--json")[0]
    assert stopped["number"] == 2
    told = run(replays, "show", "empty", "1", "--json")
    assert told["report"]["recommended"] == "mnlp"
    assert "recommended: mnlp" in run(replays, "show", "empty", "1")
    with pytest.raises(NotFoundError):
        run(replays, "go-on", "empty", "7")


def test_a_job_about_releases_is_told_and_cancelled(run: Any, settings: Settings) -> None:
    with pytest.raises(NotFoundError):
        run(release, "job", "general", "make")
    folder = settings.jobs / "releases" / "general" / "make"
    folder.mkdir(parents=True)
    (folder / "request.json").write_text("{}")
    assert run(release, "job", "general", "make") == "make waits\n"
    assert run(release, "job", "general", "make", "--cancel") == "make was asked to stop\n"
    assert (folder / "cancel").exists()
    assert run(release, "job", "general", "make", "--json")["name"] == "make"
