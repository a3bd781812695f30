"""How fast the autolabel queue labels a pool: against the bare tagger, and with a second worker.

The documents are the generated corpus's (documents_corpus.py), the version is one of the built-in
encoder with its usual widths, trained for some steps: what it knows does not matter here. The bare
tagger is one process that has the model and all texts in memory and keeps nothing. The queue is
the real one: a pool in the database, chunks as jobs of a real Redis, one prediction worker that
has the model, one worker that leads; every document is predicted, kept, made an item and counted.
The bare tagger takes its turn before and after; the ratio is of documents a second.

    python benchmarks/documents_autolabel.py [--documents 20000] [--workers 2]

A second prediction worker is judged by the clock where the machine has cores for both, the leader
and the database. Elsewhere it is judged by processor time: of what one prediction worker took, to
half of what two took together or to what the leader took, whichever is more: with a core for each
that would be the time.
"""

import ml_backend  # first of all: see there  # isort: skip  # noqa: F401
import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from documents_corpus import corpus
from documents_place import KEY, Figure, Kind, Place, Timer, alone, tell
from sqlalchemy import insert, select

from backend.context import Context, open_context
from backend.db import autolabels
from backend.db.projects import project_by_key
from backend.db.tables import Document, Version, VersionState, now
from backend.db.tables_of_autolabel import AutolabelRun
from backend.demo.stack import environment_of
from backend.embedded import redis
from backend.loop import autolabel
from backend.sample.generate import generate
from backend.settings import Settings
from backend.workflow.duplicates.normal_form import group_key
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.model_store import ModelStore
from ml_backend.contract.snapshot import GoldDocument

BAR, TWO_WORKERS_BAR = 0.9, 1.8
CORES = 4  # for two prediction workers, the leader, and what else there is
_Processes = Sequence[subprocess.Popen[bytes]]

WARM_UP = 64  # documents, so that every worker has read the model


def main() -> int:
    """Measure and print the figures; 1 when a bar is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--documents", type=int, default=20_000)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), given.documents)
        ok = True
        for figure in rows(place, given.database, given.workers):
            ok &= figure["ok"]
            print(json.dumps(figure), flush=True)
        place.close()
    return 0 if ok else 1


def rows(place: Place, kind: Kind, workers: int) -> Iterator[Figure]:
    """The queue's throughput with one worker, and with more."""
    settings = place.settings(kind, "autolabel", fresh=True)
    context = open_context(settings)
    texts = _fill(context, place.documents)
    version = _version(context)
    server = redis.start(settings, log=settings.goldloop_home / "redis.log")
    try:
        before = alone(_bare, version, texts).seconds
        one = _queue(context, "v1", 1)
        after = alone(_bare, version, texts).seconds
        bare, count = (before + after) / 2, len(texts)
        value = round(bare / one.seconds, 3)
        yield {
            "name": f"autolabel_{kind}",
            "value": value,
            "bar": BAR,
            "unit": "of the bare tagger's documents a second",
            "ok": value >= BAR,
            "bare_per_s": round(count / bare),
            "bare_s": [round(before, 1), round(after, 1)],
            "queue_per_s": round(count / one.seconds),
            **one.to_dict(),
        }
        if workers > 1:
            several = _queue(context, "v2", workers)
            cores = len(os.sched_getaffinity(0))
            by_clock = cores >= CORES
            times = one.seconds / several.seconds
            if not by_clock:
                times = one.predicting / max(several.predicting / workers, several.leading)
            yield {
                "name": f"autolabel_{workers}_workers_{kind}",
                "value": round(times, 3),
                "bar": TWO_WORKERS_BAR,
                "unit": f"times one worker, by {'the clock' if by_clock else 'processor time'}",
                "ok": times >= TWO_WORKERS_BAR,
                "cores": cores,
                **several.to_dict(),
            }
    finally:
        server.terminate()
        server.wait()


def _fill(context: Context, count: int) -> list[str]:
    """A pool of so many documents, none of them copies; returns their texts."""
    records = (one for one in corpus(2 * count) if "copy_of" not in one)
    texts: dict[str, str] = {}
    while len(texts) < count:
        text = next(records)["text"]
        texts.setdefault(group_key(text), text)
    with context.database.write() as session:
        project = project_by_key(session, KEY)
        session.execute(
            insert(Document),
            [
                {
                    "project_id": project.id,
                    "external_id": f"{number:07}",
                    "text": text,
                    "meta": {},
                    "group_key": key,
                    "deduped": True,
                    "created_at": now(),
                }
                for number, (key, text) in enumerate(texts.items())
            ],
        )
        for name in ("v1", "v2"):
            session.add(Version(project_id=project.id, name=name))
    return list(texts.values())


def _version(context: Context) -> Path:
    """A version of usual size in the store, under two names."""
    folder = context.settings.goldloop_home / "trained"
    alone(_train, folder)
    for name in ("v1", "v2"):
        context.models.add(KEY, name, folder)
    return ModelStore(context.settings.models).version_folder(KEY, "v1")


def _train(timer: Timer, folder: Path) -> None:
    from ml_backend.contract.training_config import TrainingConfig  # noqa: PLC0415
    from ml_backend.training import dataset  # noqa: PLC0415 - only this process needs torch
    from ml_backend.training.version import make_version  # noqa: PLC0415

    gold = [
        GoldDocument(one.id, one.id, one.text, list(one.entities)) for one in generate(600, seed=3)
    ]
    labels = LabelSet(tuple(sorted({entity.label for one in gold for entity in one.entities})))
    make_version(
        dataset.from_documents(gold[:500], gold[500:], labels),
        TrainingConfig(max_steps=60, min_steps=60, looks=1, hidden=256),
        seed=1,
        folder=folder,
        about={},
        watch=lambda step: None,
    )


def _bare(timer: Timer, version: Path, texts: Sequence[str]) -> None:
    from ml_backend.tagger.predict import Tagger  # noqa: PLC0415

    tagger = Tagger.load(version)
    tagger.predict(texts[:WARM_UP])
    with timer:
        tagger.predict(texts)


@dataclass(frozen=True, slots=True)
class _Run:
    """Seconds of a run, and the processor seconds of who predicts and of who leads."""

    seconds: float
    predicting: float
    leading: float

    def to_dict(self) -> dict[str, float]:
        return {
            "queue_s": round(self.seconds, 1),
            "predicting_processor_s": round(self.predicting, 1),
            "leading_processor_s": round(self.leading, 1),
        }


def _queue(context: Context, version: str, workers: int) -> _Run:
    """How a version labels the pool, its workers having read the model before."""
    with context.database.write() as session:
        project = project_by_key(session, KEY)
        row = session.scalars(
            select(Version).where(Version.project_id == project.id, Version.name == version)
        ).one()
        row.state, project.champion_id = VersionState.CHAMPION, row.id
    with _workers(context.settings, workers) as (leading, predicting):
        _warm_up(context, version, workers)
        led, predicted = _processor_time(leading), _processor_time(predicting)
        began = time.perf_counter()
        run = autolabel.start(context, project.id, "benchmark")
        while True:
            with context.database.read() as session:
                now_at = session.get_one(AutolabelRun, run.id)
            if now_at.state not in autolabels.ACTIVE:
                break
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        led, predicted = _processor_time(leading) - led, _processor_time(predicting) - predicted
    assert (now_at.state, now_at.done) == ("done", now_at.total), now_at.reason
    tell(f"{version}: {now_at.done} documents, {workers} workers, {seconds:.1f} s")
    return _Run(seconds, predicted, led)


def _processor_time(processes: _Processes) -> float:
    """Seconds of processes, and of their children, also of those that have ended."""
    total = 0.0
    for process in processes:
        parent = psutil.Process(process.pid)
        total += sum(parent.cpu_times()[:4])
        total += sum(sum(child.cpu_times()[:4]) for child in parent.children(recursive=True))
    return total


def _warm_up(context: Context, version: str, workers: int) -> None:
    """Let every worker read the model: two small jobs each, rung at once."""
    from ml_backend.contract.messages import (  # noqa: PLC0415
        PREDICT_FILE_JOB,
        PREDICT_QUEUE,
        JobFolder,
        PredictRequest,
        write_jsonl,
    )

    while context.queue.working(PREDICT_QUEUE) < workers:
        time.sleep(0.1)
    folders = [JobFolder(context.settings.jobs / f"warm-{version}-{n}") for n in range(workers)]
    records = [{"id": str(n), "text": "가온보험은 오늘 문을 열었다"} for n in range(4000)]
    for folder in folders:
        write_jsonl(folder.input, records[: WARM_UP if workers == 1 else None])
        folder.write_request(PredictRequest(KEY, version, str(context.models.root)))
        context.queue.ring(PREDICT_QUEUE, PREDICT_FILE_JOB, str(folder.path))
    while any(folder.result() is None for folder in folders):
        time.sleep(0.1)


@contextmanager
def _workers(settings: Settings, predicting: int) -> Iterator[tuple[_Processes, _Processes]]:
    """Who leads, and who predicts."""
    executable = str(Path(sys.executable).with_name("goldloop"))
    environment = {**os.environ, **environment_of(settings), "OMP_NUM_THREADS": "1"}
    log = (settings.goldloop_home / "workers.log").open("ab")
    processes = [
        subprocess.Popen([executable, "worker", queue], env=environment, stdout=log, stderr=log)
        for queue in ("default", *["predict"] * predicting)
    ]
    try:
        yield processes[:1], processes[1:]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        log.close()


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    sys.exit(main())
