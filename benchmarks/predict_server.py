"""What `/predict` costs: tasks a second through the real server against the bare tagger.

A tagger is trained for a moment on generated gold. The server runs as `goldloop ml-backend` and
is sent tasks as Label Studio sends them, each with a stored prediction of an older version, in
requests of 1,000. The bare tagger, the same version, reads the same texts in this process, all in
one call. The two take turns; `ratio` is the median over the rounds.
"""

import ml_backend  # first of all: see there  # isort: skip  # noqa: F401
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson

from backend.sample.generate import generate
from ml_backend.contract.label_studio import parse_label_config, to_regions
from ml_backend.contract.messages import JobFolder, TrainRequest
from ml_backend.contract.model_store import Champion, ModelStore
from ml_backend.contract.snapshot import GoldDocument, write_snapshot
from ml_backend.tagger.predict import Tagger
from ml_backend.training.run import train

BAR = 0.85
TASKS, TASKS_A_REQUEST, ROUNDS = 3000, 1000, 7
KEY, OLD, VERSION = "bench", "v0", "v1"
CREDENTIALS = ("goldloop", "benchmark")
CONFIG = (Path(__file__).parents[1] / "annotation_configs" / "general.xml").read_text("utf-8")


def main() -> int:
    """Print the figure as JSON; 1 when the bar is missed."""
    with tempfile.TemporaryDirectory(prefix="goldloop-bench-") as name:
        store = ModelStore(Path(name) / "models")
        make_champion(store, Path(name) / "job")
        texts, requests = payloads()
        tagger = Tagger.load(store.version_folder(KEY, VERSION))
        with server(store, Path(name)) as url, httpx.Client(auth=CREDENTIALS, timeout=100) as web:

            def served() -> None:
                for content in requests:
                    web.post(f"{url}/p/{KEY}/predict", content=content).raise_for_status()

            def bare() -> None:
                tagger.predict(texts)

            check(web, f"{url}/p/{KEY}/predict", requests[0])
            ratios = [compare(served, bare, turn) for turn in range(-1, ROUNDS)][1:]
    ratio = round(statistics.median(ratios), 3)
    ok = ratio >= BAR
    print(json.dumps({"name": "ratio", "value": ratio, "bar": BAR, "unit": "ratio", "ok": ok}))
    return 0 if ok else 1


def compare(served: Callable[[], None], bare: Callable[[], None], turn: int) -> float:
    """Tasks a second of the server over the tagger's, in one round; who begins alternates."""
    seconds = {}
    for work in (served, bare) if turn % 2 else (bare, served):
        began = time.perf_counter()
        work()
        seconds[work] = time.perf_counter() - began
    rates = ", ".join(f"{work.__name__} {TASKS / seconds[work]:.0f}/s" for work in seconds)
    print(f"round {turn}: {rates}", file=sys.stderr)
    return seconds[bare] / seconds[served]


def make_champion(store: ModelStore, folder: Path) -> None:
    """Train for a moment: good enough to find about as many entities as there are."""
    gold = [
        GoldDocument(document.id, document.id, document.text, list(document.entities))
        for document in generate(400, seed=1)
    ]
    job = JobFolder(folder)
    folder.mkdir()
    parts = {"train": gold[:300], "dev": gold[300:350], "gate": gold[350:]}
    write_snapshot(job.snapshot, parts, parse_label_config(CONFIG).labels)
    config = {"epochs": 1, "min_steps": 150, "looks": 2}
    job.write_request(TrainRequest(KEY, VERSION, str(store.root), config=config))
    train(str(folder))
    store.set_champion(KEY, Champion(VERSION, CONFIG))


def payloads() -> tuple[list[str], list[bytes]]:
    """The texts, and the same as Label Studio's requests."""
    control = parse_label_config(CONFIG)
    documents = list(generate(TASKS, seed=2))
    tasks = []
    for number, document in enumerate(documents, start=1):
        regions, _ = to_regions(document.entities, document.text, control)
        tasks.append(task(number, document.text, regions))
    requests = [
        orjson.dumps(
            {
                "tasks": tasks[first : first + TASKS_A_REQUEST],
                "project": "1.1795310500",
                "label_config": CONFIG,
                "params": {"login": None, "password": None, "context": None},
            }
        )
        for first in range(0, TASKS, TASKS_A_REQUEST)
    ]
    return [document.text for document in documents], requests


def task(number: int, text: str, regions: list[dict[str, Any]]) -> dict[str, Any]:
    """One task with every field that Label Studio 1.23 sends."""
    moment = "2026-01-01T00:00:00.000000Z"
    prediction = {
        "id": number,
        "result": regions,
        "model_version": OLD,
        "created_ago": "2 hours",
        "score": number / (TASKS + 1),
        "cluster": None,
        "neighbors": None,
        "mislabeling": 0.0,
        "created_at": moment,
        "updated_at": moment,
        "model": None,
        "model_run": None,
        "task": number,
        "project": 1,
    }
    return {
        "id": number,
        "annotations": [],
        "predictions": [prediction],
        "data": {"text": text, "goldloop_id": number},
        "meta": {},
        "created_at": moment,
        "updated_at": moment,
        "is_labeled": False,
        "overlap": 1,
        "inner_id": number,
        "total_annotations": 0,
        "cancelled_annotations": 0,
        "total_predictions": 1,
        "comment_count": 0,
        "unresolved_comment_count": 0,
        "last_comment_updated_at": None,
        "project": 1,
        "updated_by": None,
        "file_upload": None,
        "comment_authors": [],
    }


def check(web: httpx.Client, address: str, content: bytes) -> None:
    """What is timed is right: a result a task, of the version, with entities in them."""
    results = web.post(address, content=content).raise_for_status().json()["results"]
    assert len(results) == TASKS_A_REQUEST
    assert {result["model_version"] for result in results} == {VERSION}
    entities = sum(len(result["result"]) for result in results)
    assert entities > TASKS_A_REQUEST / 2, f"{entities} entities"


@contextmanager
def server(store: ModelStore, folder: Path) -> Iterator[str]:
    """`goldloop ml-backend`, whose first prediction waits for the champion; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{probe.getsockname()[1]}"
    settings = {
        "GOLDLOOP_HOME": str(folder),
        "MODEL_STORE": str(store.root),
        "ML_BACKEND_USER": CREDENTIALS[0],
        "ML_BACKEND_PASSWORD": CREDENTIALS[1],
        "ML_BACKEND_BIND": bind,
    }
    with (folder / "ml-backend.log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("goldloop")), "ml-backend"],
            env={**os.environ, **settings},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as until_it_listens:
            until_it_listens.get(f"http://{bind}/health").raise_for_status()
        yield f"http://{bind}"
    finally:
        process.terminate()
        process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
