"""Every change stands in the audit log, with who made it and what it was: all are made, one by one.

What needs a Label Studio or a run's snapshot is left to the tests that have one.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from backend.admin.words.action_words import ACTIONS
from backend.db.audit_log import audit_entries
from backend.db.session import Database
from backend.db.tables import Document, Run, RunState
from backend.db.tables_of_access import AuditEntry
from backend.db.tables_of_doubts import Doubt
from backend.opened import opened_by
from backend.settings import Settings
from backend.workflow.replay.folder import Replay
from ml_backend.contract.messages import Result
from tests.backend.admin.conftest import _whole, whole
from tests.backend.admin.filled_queue import KEY
from tests.backend.admin.whole import GOLD, fill_queues
from tests.backend.api.rest.conftest import Program
from tests.servers import RedisServer

__all__ = ("_whole", "whole")

CONFIG = """<View><Labels name="l" toName="t"><Label value="PS"/></Labels>
<Text name="t" value="$text"/></View>"""
GENERAL, RUNS, FRESH = "/projects/general", "/projects/general/runs", "/projects/fresh"
QUEUE, CONFLICTS = f"/projects/{KEY}/autolabels", f"/projects/{GOLD}/conflicts"
ELSEWHERE = {"project.connect", "project.adopt", "run.retry"}
WITH_BEFORE = {"settings.change", "account.role", "labels.map", "token.revoke", "autolabel.run"}


@pytest.fixture
def filled(whole: Database, settings: Settings, redis_server: RedisServer) -> Database:
    fill_queues(settings)
    return whole


class Log:
    """Makes changes, and looks each time at what is newest in the log."""

    def __init__(self, ask: Program, database: Database):
        self._ask, self._database = ask, database
        self.noted: dict[str, AuditEntry] = {}

    def __call__(self, action: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        given = {"json": body} if body is not None else more
        answer = self._ask(method, path, **given)
        assert answer.status_code < 300, (action, answer.text)
        with self._database.read() as session:
            newest = audit_entries(session, limit=1)[0]
        assert newest.action == action
        assert "admin@example.com" in newest.who
        assert newest.id not in {one.id for one in self.noted.values()}
        self.noted[action] = newest
        return answer.json

    def read(self, path: str) -> Any:
        answer = self._ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json


def test_every_change_is_noted_with_who_made_it(
    app: Flask, program: Callable[..., Program], filled: Database, settings: Settings
) -> None:
    log = Log(program("admin"), filled)
    _of_people(log)
    _of_settings_and_labels(log)
    _of_jobs_and_replays(log, settings)
    _of_runs(log, filled, app)
    _of_copies(log, filled)
    _of_autolabels(log)
    _of_reviews(log, filled)
    _of_shared_documents_and_releases(log)
    assert set(log.noted) == set(ACTIONS) - ELSEWHERE
    for action, its in log.noted.items():
        assert its.created_at
        assert its.subject or its.after, action
        assert (its.before is not None) >= (action in WITH_BEFORE), action


def _of_people(log: Log) -> None:
    made = log(
        "account.add",
        "POST",
        "/accounts",
        {"email": "new@example.com", "role": "annotator", "password": "nobody-knows-it"},
    )
    address = f"/accounts/{made['id']}"
    log("account.role", "PUT", f"{address}/role", {"role": "curator"})
    log("account.password", "PUT", f"{address}/password", {"password": "nor-this-one"})
    log("member.add", "POST", f"{GENERAL}/members", {"email": "new@example.com"})
    log("member.remove", "DELETE", f"{GENERAL}/members/{made['id']}")
    token = {"name": "n", "account": "new@example.com", "scopes": ["gold:read"]}
    made = log("token.make", "POST", "/tokens", token)
    log("token.revoke", "DELETE", f"/tokens/{made['id']}")


def _of_settings_and_labels(log: Log) -> None:
    new = {"key": "fresh", "name": "새것", "label_config": CONFIG}
    log("project.create", "POST", "/projects", new)
    log("settings.change", "PATCH", f"{FRESH}/settings", {"open_tasks": 9})
    log("labels.map", "POST", f"{FRESH}/labels/rename", {"label": "PS", "into": "사람"})
    log("labels.add", "POST", f"{FRESH}/labels", {"labels": ["LC"]})
    file = b'{"text": "..."}'
    log("documents.import", "POST", f"{FRESH}/imports?filename=a.jsonl", data=file)


def _of_jobs_and_replays(log: Log, settings: Settings) -> None:
    states = {one["id"]: one["state"] for one in log.read("/jobs")["items"]}
    (failed,) = [name for name, state in states.items() if state == "failed"]
    log("job.retry", "POST", f"/jobs/{failed}/retry")
    log("job.cancel", "POST", f"/jobs/{failed}/cancel")
    replays = "/projects/empty/replays"
    log("replay.begin", "POST", replays, {"strategies": ["mnlp"], "rounds": 2})
    log("replay.cancel", "POST", f"{replays}/1/cancel")
    Replay(settings.jobs / "replays" / "empty" / "1").job.write_result(Result("cancelled"))
    log("replay.go_on", "POST", f"{replays}/1/go-on")


def _of_runs(log: Log, database: Database, app: Flask) -> None:
    with database.write() as session:
        trains = session.scalars(select(Run).where(Run.state == RunState.TRAINING)).one()
        trains.state = RunState.FAILED
        refused = session.scalars(select(Run).where(Run.state == RunState.REFUSED)).one()
    begun = log("run.begin", "POST", RUNS, {})
    log("run.cancel", "POST", f"{RUNS}/{begun['id']}/cancel")
    with database.write() as session:
        session.get_one(Run, refused.id).state = RunState.WAITING
    log("run.decide", "POST", f"{RUNS}/{refused.id}/decision", {"promote": False})
    opened_by(app).models.version_folder("general", "v2").mkdir(parents=True)
    log("version.publish", "POST", f"{GENERAL}/publications", {"version": "v2"})


def _of_copies(log: Log, database: Database) -> None:
    found = log.read(f"/projects/{GOLD}/findings?kind=exact-conflict")["items"][0]
    with database.read() as session:
        document = session.get_one(Document, found["body"]["document"]).external_id
    log("conflict.decide", "POST", f"{CONFLICTS}/choose", {"document": document, "variant": 1})
    log("conflict.withdraw", "POST", f"{CONFLICTS}/withdraw", {"document": document})


def _of_autolabels(log: Log) -> None:
    items = [one["document_id"] for one in log.read(QUEUE)["items"]]
    for decision, item in zip(("accept", "reject", "send"), items, strict=False):
        body = {"decision": decision, "items": [{"document_id": item}]}
        made = log(f"autolabel.{decision}", "POST", f"{QUEUE}/decide", body)
    changes = {name: made[name] for name in ("first", "last")}
    log("autolabel.undo", "POST", f"{QUEUE}/undo", changes)
    log("autolabel.start", "POST", f"{GENERAL}/autolabels/start")
    log("autolabel.run", "POST", f"{GENERAL}/autolabels/pause")


def _of_reviews(log: Log, database: Database) -> None:
    with database.read() as session:
        doubt = session.scalars(select(Doubt).limit(1)).one()
    address, wanted = f"{GENERAL}/doubts", {"verdict": "gold", "gold_revision": doubt.gold_revision}
    made = log("review.decide", "POST", f"{address}/{doubt.id}/decision", wanted)
    log("review.undo", "POST", f"{address}/decisions/{made['id']}/undo")
    log("review.cancel", "POST", f"{address}/look/cancel")
    log("review.look", "POST", f"{address}/look")


def _of_shared_documents_and_releases(log: Log) -> None:
    waiting = log.read(f"{GENERAL}/agreement/waiting")["items"]
    address = f"{GENERAL}/agreement"
    settled = log("sharing.settle", "POST", f"{address}/settle", {"document_ids": waiting})
    log("sharing.wait", "POST", f"{address}/wait", settled)
    log("release.make", "POST", f"{FRESH}/releases", {})
    log("release.cancel", "POST", f"{FRESH}/release-jobs/make/cancel")
