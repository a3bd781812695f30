"""The webhook's door: what is stored, what is refused, and how fast it answers."""

import threading
import time

import httpx
import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from backend.api.webhooks import KEPT_OF_GARBAGE, LARGEST, webhooks
from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db.tables import InboxEvent, Project
from backend.opened import keep_open

CONFIG = (
    '<View><Labels name="l" toName="t"><Label value="PER"/></Labels>'
    '<Text name="t" value="$text"/></View>'
)
EVENT = {
    "action": "ANNOTATION_CREATED",
    "annotation": {"id": 1, "result": []},
    "task": {"id": 2},
    "project": {"id": 3, "token": "label-studio-secret", "title": "T"},
}


@pytest.fixture
def context(settings, any_database):
    with any_database.write() as session:
        session.add(Project(key="news", name="n", label_config=CONFIG, labels=["PER"]))
    return Context(settings, any_database, JobQueue(settings.redis_address))


@pytest.fixture
def app(context):
    app = Flask(__name__)
    keep_open(app, context)
    app.register_blueprint(webhooks)
    return app


@pytest.fixture
def post(app, context):
    secret = context.settings.webhook_secret.get_secret_value()

    def post(body, *, key="news", secret=secret, **options):
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        kind = {"data": body} if isinstance(body, bytes) else {"json": body}
        return app.test_client().post(f"/webhooks/{key}", headers=headers, **kind, **options)

    return post


def stored(context):
    with context.database.read() as session:
        return session.scalars(select(InboxEvent).order_by(InboxEvent.id)).all()


def test_an_event_is_stored_without_label_studios_token(post, context):
    answer = post(EVENT)
    (event,) = stored(context)
    assert answer.status_code == 200
    assert answer.json == {"stored": event.id}
    assert (event.state, event.action) == ("new", "ANNOTATION_CREATED")
    assert event.payload == {**EVENT, "project": {"id": 3, "title": "T"}}


def test_text_comes_through_exactly(post, context):
    text = "e\u0301 👨‍👩‍👧 𠮷\r\n\t\u200b 각"
    post({**EVENT, "task": {"id": 2, "data": {"text": text}}})
    assert stored(context)[0].payload["task"]["data"]["text"] == text


@pytest.mark.parametrize("secret", [None, "", "wrong", "wróng"])
def test_without_the_secret_nothing_is_stored(post, context, secret):
    assert post(EVENT, secret=secret).status_code == 401
    assert stored(context) == []


def test_an_unknown_project_is_404(post, context):
    assert post(EVENT, key="other").status_code == 404
    assert stored(context) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"not json", 400),
        (b'{"action": "ANNOTATION_CREATED"', 400),
        (b"\xff\xfe\x00", 400),
        (b'{"action": NaN}', 400),
        ([], 422),
        ("text", 422),
        ({}, 422),
        ({"action": 7}, 422),
        ({"action": "DROP_TABLES"}, 422),
        ({"action": "ANNOTATION_CREATED"}, 422),
        ({"action": "ANNOTATION_CREATED", "annotation": "x"}, 422),
        ({"action": "ANNOTATIONS_DELETED", "annotations": [1, 2]}, 422),
        ({"action": "TASKS_CREATED", "tasks": []}, 422),
        ({"action": "PROJECT_UPDATED"}, 422),
    ],
)
def test_garbage_is_refused_and_recorded(post, context, body, status):
    answer = post(body)
    assert answer.status_code == status
    (event,) = stored(context)
    assert event.state == "refused"
    assert event.reason == answer.json["error"] != ""


def test_recorded_garbage_is_cut_and_holds_no_token(post, context):
    post(b'{"project": {"token": "label-studio-secret"}, "x": "' + b"y" * 100_000)
    post({"project": {"token": "label-studio-secret"}})
    first, second = (event.payload["raw"] for event in stored(context))
    assert len(first) <= KEPT_OF_GARBAGE
    assert "label-studio-secret" not in first + second


def test_a_body_beyond_the_limit_is_413(app, post, context, monkeypatch):
    monkeypatch.setattr("backend.api.webhooks.LARGEST", 1000)
    assert LARGEST > 1000
    assert post({**EVENT, "more": "x" * 2000}).status_code == 413
    assert stored(context) == []


def test_lists_and_deletions_are_events(post, context):
    for action, subject in [
        ("ANNOTATIONS_CREATED", {"annotation": [{"id": 1}, {"id": 2}], "task": [{"id": 1}]}),
        ("ANNOTATIONS_DELETED", {"annotations": [{"id": 1}]}),
        ("TASKS_DELETED", {"tasks": [{"id": 1}]}),
        ("PROJECT_UPDATED", {"project": {"id": 1}}),
    ]:
        assert post({"action": action, **subject}).status_code == 200
    assert {event.state for event in stored(context)} == {"new"}


def test_redis_being_down_does_not_delay_the_answer(post, context):
    post(EVENT)
    begun = time.perf_counter()
    for _ in range(20):
        assert post(EVENT).status_code == 200
    assert (time.perf_counter() - begun) / 20 < 0.1
    assert len(stored(context)) == 21


@pytest.mark.real
def test_an_event_rings_the_job_that_drains(post, context, redis_server):
    post(EVENT)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not context.queue.counts()["default"]:
        time.sleep(0.05)
    assert context.queue.counts()["default"] == 1


@pytest.mark.real
def test_a_real_server_refuses_a_chunked_body_beyond_the_limit(app, context, monkeypatch):
    monkeypatch.setattr("backend.api.webhooks.LARGEST", 1000)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        secret = context.settings.webhook_secret.get_secret_value()
        answer = httpx.post(
            f"http://127.0.0.1:{server.port}/webhooks/news",
            content=(b"x" * 500 for _ in range(10)),
            headers={"Authorization": f"Bearer {secret}"},
            timeout=10,
        )
    finally:
        server.shutdown()
    assert answer.status_code in (400, 413)
    assert all(event.state == "refused" for event in stored(context))
