"""The client against a real Label Studio."""

import base64
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from backend.clients.label_studio import LabelStudio
from backend.clients.label_studio_wiring import is_our_hook
from backend.errors import LabelStudioDownError, LabelStudioError

pytestmark = pytest.mark.real

CONFIG = (
    '<View><Labels name="label" toName="text"><Label value="PER"/></Labels>'
    '<Text name="text" value="$text"/></View>'
)
SECRET = "the-hook's-secret"


@pytest.fixture(scope="module")
def client(label_studio):
    return LabelStudio(label_studio.url, label_studio.api_key, timeout=30)


@pytest.fixture
def project(client):
    return client.create_project("시험", CONFIG)


def test_the_token_is_checked(client, label_studio):
    client.check()
    with pytest.raises(LabelStudioError, match="refuses LABEL_STUDIO_API_KEY"):
        LabelStudio(label_studio.url, "wrong", timeout=5).check()


def test_a_refusal_does_not_repeat_the_task(client, project):
    task = {"data": {"text": "김서연 환자는"}, "annotations": "none"}
    with pytest.raises(LabelStudioError, match="annotations") as refused:
        client.import_tasks(project, [task])
    assert "김서연" not in str(refused.value)


def test_a_dead_server_is_down_not_refusing():
    with pytest.raises(LabelStudioDownError):
        LabelStudio("http://127.0.0.1:9", "token", timeout=1).check()


def test_a_server_that_is_no_label_studio_is_told(label_studio):
    with pytest.raises(LabelStudioError):
        LabelStudio(label_studio.url + "/user/login", label_studio.api_key, timeout=5).check()


def test_a_project_serves_uncertainty_sampling_and_shows_predictions(client, project):
    found = client.project(project)
    assert found["sampling"] == "Uncertainty sampling"
    assert found["show_collab_predictions"]
    client.update_project(project, description="new")
    assert client.project(project)["description"] == "new"
    with pytest.raises(LabelStudioError) as refused:
        client.project(10**6)
    assert refused.value.status == 404


def test_tasks_come_back_in_order_across_chunks_and_pages(client, project):
    texts = [f"{n} 😀\r\n\tcafe\u0301 \u200b" for n in range(620)]
    numbers = client.import_tasks(
        project, [{"data": {"text": text, "goldloop_id": n}} for n, text in enumerate(texts)]
    )
    tasks = list(client.tasks(project))
    assert [task["id"] for task in tasks] == numbers
    assert [task["data"]["text"] for task in tasks] == texts
    assert [task["data"]["goldloop_id"] for task in tasks] == list(range(620))
    client.submit(numbers[3], [])
    client.submit(numbers[5], [], was_cancelled=True)
    annotated = list(client.tasks(project, annotated_only=True))
    assert [task["id"] for task in annotated] == [numbers[3], numbers[5]]
    assert all(len(task["annotations"]) == 1 for task in annotated)


def test_tasks_of_no_project_is_an_error_not_an_empty_list(client):
    with pytest.raises(LabelStudioError) as refused:
        list(client.tasks(10**6))
    assert refused.value.status == 404


def test_predictions_of_a_version_are_counted_found_and_deleted(client, project):
    numbers = client.import_tasks(project, [{"data": {"text": str(n)}} for n in range(4)])
    made = client.import_predictions(
        project,
        [
            {"task": task, "result": [], "score": 0.5, "model_version": "v1"}
            for task in [*numbers, numbers[0]]
        ],
    )
    assert made == 5
    assert sorted(client.prediction_tasks(project, "v1")) == sorted([*numbers, numbers[0]])
    assert client.prediction_tasks(project, "v2") == []
    assert client.model_versions(project) == {"v1": 5}
    client.select_model_version(project, "v1")
    assert client.project(project)["model_version"] == "v1"
    with pytest.raises(LabelStudioError):
        client.select_model_version(project, "v2")
    one = client.predictions(project, task_id=numbers[0])
    assert len(one) == 2
    client.delete_prediction(one[0]["id"])
    client.delete_prediction(one[0]["id"])
    assert client.prediction(one[0]["id"]) is None
    assert client.delete_model_version(project, "v1") == 4
    assert client.model_versions(project) == {}


def test_the_label_stream_serves_the_lowest_score_first(client, project):
    numbers = client.import_tasks(
        project,
        [
            {
                "data": {"text": str(n)},
                "predictions": [{"result": [], "score": score, "model_version": "v1"}],
            }
            for n, score in enumerate([0.9, 0.1, 0.5])
        ],
    )
    client.select_model_version(project, "v1")
    served = []
    for _ in numbers:
        task = client.next_task(project)
        served.append(task["id"])
        client.submit(task["id"], [], lead_time=1.0)
    assert served == [numbers[1], numbers[2], numbers[0]]
    assert client.next_task(project) is None


def test_annotations_and_tasks_are_changed_and_deleted_twice_alike(client, project):
    (task,) = client.import_tasks(project, [{"data": {"text": "글"}}])
    made = client.submit(task, [], lead_time=2.5)
    assert made["lead_time"] == 2.5
    assert client.update_annotation(made["id"], lead_time=4)["lead_time"] == 4
    assert client.annotation(made["id"])["id"] == made["id"]
    for _ in range(2):
        client.delete_annotation(made["id"])
        assert client.annotation(made["id"]) is None
    for _ in range(2):
        client.delete_task(task)
        assert client.task(task) is None


def test_users_have_addresses(client, label_studio):
    assert label_studio.email in {user["email"] for user in client.users()}


def test_exactly_one_hook_is_ours_whatever_was_there(client, project):
    def urls():
        return sorted(hook["url"] for hook in client.wiring.webhooks(project))

    first = client.wiring.ensure_one_webhook(
        project, url="http://127.0.0.1:1/webhooks/k", secret="old"
    )
    for url in ("http://127.0.0.1:9/p/k/webhook", "http://127.0.0.1:9/other"):
        client._call("POST", "api/webhooks/", body={"project": project, "url": url})
    same = client.wiring.ensure_one_webhook(
        project, url="http://127.0.0.1:1/webhooks/k", secret=SECRET
    )
    assert same == first
    assert urls() == ["http://127.0.0.1:1/webhooks/k", "http://127.0.0.1:9/other"]
    client.wiring.ensure_one_webhook(project, url="http://127.0.0.1:2/webhooks/k", secret=SECRET)
    assert urls() == ["http://127.0.0.1:2/webhooks/k", "http://127.0.0.1:9/other"]
    (ours,) = (hook for hook in client.wiring.webhooks(project) if "webhooks/k" in hook["url"])
    assert ours["headers"] == {"Authorization": f"Bearer {SECRET}"}
    assert not ours["send_for_all_actions"]


@pytest.mark.parametrize(
    ("hook", "ours"),
    [
        ("http://app:5000/webhooks/news", True),
        ("https://elsewhere/webhooks/news/", True),
        ("http://ml:9090/p/news/webhook", True),
        ("http://app:5000/webhooks/newspaper", False),
        ("http://ml:9090/p/newspaper/webhook", False),
        ("http://somebody/else", False),
    ],
)
def test_which_hooks_are_ours(hook, ours):
    assert is_our_hook(hook, "http://app:5000/webhooks/news") == ours


class _MlBackend(BaseHTTPRequestHandler):
    """Answers health and setup as any ML backend does, when the password is right."""

    def do_GET(self):
        self._answer({"status": "UP"})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer({"model_version": "untrained"})

    def _answer(self, body):
        right = "Basic " + base64.b64encode(b"goldloop:pass").decode()
        self.send_response(200 if self.headers.get("Authorization") == right else 401)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def ml_backend():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _MlBackend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/p/k"
    server.shutdown()


def test_one_ml_backend_of_a_title_and_one_hook_after_attaching(client, project, ml_backend):
    wanted = {"title": "goldloop-k", "url": ml_backend, "user": "goldloop"}
    with pytest.raises(LabelStudioError):
        client.wiring.attach_ml_backend(project, **wanted, password="wrong")
    first = client.wiring.attach_ml_backend(project, **wanted, password="pass")
    again = client.wiring.attach_ml_backend(project, **wanted, password="pass")
    assert again == first
    (attached,) = client.wiring.ml_backends(project)
    assert (attached["title"], attached["state"]) == ("goldloop-k", "CO")
    client.wiring.ensure_one_webhook(project, url="http://127.0.0.1:1/webhooks/k", secret=SECRET)
    client.wiring.attach_ml_backend(project, **wanted, password="pass")
    assert [hook["url"] for hook in client.wiring.webhooks(project)] == [
        "http://127.0.0.1:1/webhooks/k"
    ]


class _Overloaded(BaseHTTPRequestHandler):
    """Counts requests and answers 503."""

    seen: list[str]

    def do_GET(self):
        self.seen.append(self.command)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(503)
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *args):
        pass


def test_a_post_is_never_repeated_and_a_get_is():
    _Overloaded.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Overloaded)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = LabelStudio(f"http://127.0.0.1:{server.server_port}", "token", timeout=5)
    try:
        with pytest.raises(LabelStudioDownError):
            client.import_tasks(1, [{"data": {"text": "x"}}])
        assert _Overloaded.seen == ["POST"]
        with pytest.raises(LabelStudioDownError):
            client.project(1)
        assert _Overloaded.seen == ["POST", "GET", "GET", "GET"]
    finally:
        server.shutdown()


def test_importing_the_client_does_not_import_the_sdk():
    code = (
        "import sys, backend.api.webhooks, backend.context;"
        "sys.exit(any(name.startswith('label_studio_sdk.') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_task_that_was_answered_is_reopened_for_one_more(client, project):
    (task_id,) = client.import_tasks(project, [{"data": {"text": "가나다"}}])
    client.submit(task_id, [])
    assert client.task(task_id)["is_labeled"]
    assert client.reopen_task(task_id, {"why": "http://goldloop/doubts/1"})
    reopened = client.task(task_id)
    assert (reopened["is_labeled"], reopened["overlap"]) == (False, 2)
    assert reopened["data"] == {"text": "가나다", "why": "http://goldloop/doubts/1"}
    assert len(reopened["annotations"]) == 1  # what was said is kept
    client.delete_task(task_id)
    assert not client.reopen_task(task_id)
