"""The training job, from its folder to the model store."""

import hashlib
import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ml_backend.contract.course import read_course
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_intervals import label_intervals
from ml_backend.contract.messages import JobFolder, read_jsonl
from ml_backend.contract.model_store import ModelStore
from ml_backend.contract.scoring import Scores
from ml_backend.contract.snapshot import SnapshotError, read_manifest, read_part
from ml_backend.contract.training_config import TrainingConfigError
from ml_backend.tagger.checkpoint import CheckpointError, training_record
from ml_backend.tagger.ensemble import member_folders
from ml_backend.tagger.loading import load_tagger
from ml_backend.tagger.predict import Tagger
from ml_backend.training import state
from ml_backend.training.run import Pulse, VersionTakenError, train
from tests.ml_backend.conftest import TINY, MakeJob

QUICK = {**TINY, "min_steps": 20}
LONG = {**TINY, "min_steps": 100_000, "max_steps": 100_000}


def store_of(job: JobFolder) -> ModelStore:
    return ModelStore(Path(job.train_request().model_store))


def weights_digest(store: ModelStore, version: str = "v1") -> str:
    path = store.version_folder("tiny", version) / "weights.safetensors"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def wait_until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_a_job_makes_a_version_and_tags_the_gate_part(make_job: MakeJob) -> None:
    job = make_job()
    train(str(job.path))
    result = job.result()
    assert result is not None
    assert (result.state, result.reason) == ("done", "")
    assert set(result.figures) == {"dev", "steps", "epochs", "documents", "seconds"}
    # the dev part is too small, so that some of the 60 documents stand in for it
    assert result.figures["steps"] == 80
    assert 45 <= result.figures["documents"] < 60
    assert Scores.from_dict(result.figures["dev"]).micro.support > 0

    store = store_of(job)
    assert store.versions("tiny") == ["v1"]
    assert not (job.path / "build").exists()
    made = training_record(store.version_folder("tiny", "v1"))
    manifest = read_manifest(job.snapshot)
    assert made["snapshot"] == manifest.digest
    assert (made["mapping"], made["left_out"]) == ({}, {})
    # what the gate will judge is what the stored form says
    gate = list(read_part(job.snapshot, "gate"))
    tagger = Tagger.load(store.version_folder("tiny", "v1"))
    lines = list(read_jsonl(job.gate_predictions("v1")))
    assert [line["id"] for line in lines] == [document.id for document in gate]
    for line, document, said in zip(
        lines, gate, tagger.predict([d.text for d in gate]), strict=True
    ):
        entities = [Entity.from_dict(r, length=len(document.text)) for r in line["entities"]]
        assert entities == said.entities
        assert line["confidence"] == said.confidence

    # for people to look at: how it went, and what came out in full
    course = read_course(job.course)
    assert [point.step for point in course] == list(range(1, 81))
    assert course[-1].dev_f1 is not None
    assert 2 <= sum(point.dev_f1 is not None for point in course) <= 10
    report = job.report()
    assert report is not None
    assert set(report) == {"dev", "gate"}
    assert report["dev"]["micro"] == result.figures["dev"]["micro"]
    assert report["gate"]["documents"] == len(gate) == 15
    assert {"intervals", "mistakes", "calibration"} <= set(report["gate"])
    became = list(read_jsonl(job.outcomes))
    assert [one["id"] for one in became] == [document.id for document in gate]
    micro = label_intervals([one["counts"] for one in became]).micro.f1.estimate
    assert micro == report["gate"]["micro"]["f1"]

    progress = job.progress()
    assert progress is not None
    assert progress.beat >= 2
    assert set(progress.figures) == {"epoch", "step", "loss", "dev_f1"}
    assert progress.figures["step"] == 80


def test_a_version_of_members_is_made_judged_and_gone_on_from_as_any(make_job: MakeJob) -> None:
    job = make_job("first", config={**QUICK, "members": 2})
    train(str(job.path))
    version = store_of(job).version_folder("tiny", "v1")
    assert [folder.name for folder in member_folders(version)] == ["0", "1"]
    course = read_course(job.course)
    assert [point.step for point in course] == list(range(1, 41))
    gate = list(read_part(job.snapshot, "gate"))
    said = load_tagger(version).predict([document.text for document in gate])
    lines = list(read_jsonl(job.gate_predictions("v1")))
    assert [line["confidence"] for line in lines] == [one.confidence for one in said]
    from_it = {**QUICK, "start": "champion"}
    second = make_job("second", config=from_it, version="v2", champion="v1", seed=1)
    train(str(second.path))
    assert store_of(second).versions("tiny") == ["v1", "v2"]
    assert second.gate_predictions("v1").read_bytes() == job.gate_predictions("v1").read_bytes()


def test_the_champion_tags_the_same_gate_part(make_job: MakeJob) -> None:
    first = make_job("first", config=QUICK)
    train(str(first.path))
    second = make_job("second", config=QUICK, version="v2", champion="v1", seed=1)
    train(str(second.path))
    assert store_of(second).versions("tiny") == ["v1", "v2"]
    assert second.gate_predictions("v1").read_bytes() == first.gate_predictions("v1").read_bytes()
    assert len(list(read_jsonl(second.gate_predictions("v2")))) == 15


def test_a_job_with_a_result_is_left_alone(make_job: MakeJob) -> None:
    job = make_job(config=QUICK)
    train(str(job.path))
    before = {path: path.stat().st_mtime_ns for path in job.path.iterdir()}
    train(str(job.path))
    assert {path: path.stat().st_mtime_ns for path in job.path.iterdir()} == before


def test_a_version_that_is_in_the_store_is_kept_and_the_rest_is_done(make_job: MakeJob) -> None:
    job = make_job(config=QUICK)
    train(str(job.path))
    digest, figures = weights_digest(store_of(job)), job.result().figures
    for name in ("result.json", "gate-v1.jsonl"):
        (job.path / name).unlink()
    train(str(job.path))
    assert weights_digest(store_of(job)) == digest
    assert job.gate_predictions("v1").exists()
    again = job.result().figures
    assert {**again, "seconds": 0} == {**figures, "seconds": 0}


def test_a_name_stands_for_one_set_of_weights(make_job: MakeJob) -> None:
    train(str(make_job("first", config=QUICK).path))
    other = make_job("other", config=QUICK, seed=1)
    with pytest.raises(VersionTakenError):
        train(str(other.path))
    assert other.result().state == "failed"


def test_a_training_may_start_from_the_champion(make_job: MakeJob) -> None:
    first = make_job("first", config=TINY)
    train(str(first.path))
    config = {**TINY, "start": "champion"}
    train(str(make_job("second", config=config, version="v2", champion="v1").path))
    store = store_of(first)
    record = training_record(store.version_folder("tiny", "v2"))
    assert record["start"] == "the champion's encoder and head"
    assert training_record(store.version_folder("tiny", "v1"))["start"] == "new weights"
    # twice as many steps in all: it has learned more
    assert record["dev"]["micro"]["f1"] > first.result().figures["dev"]["micro"]["f1"]


def train_and_be_killed(job: str, step: int) -> None:
    say = Pulse.say

    def kill(pulse: Pulse, stage: str, **what: Any) -> None:
        if stage == "training" and what["done"] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        say(pulse, stage, **what)

    Pulse.say = kill
    train(job)


def test_a_killed_job_goes_on_where_it_was_saved_and_ends_identical(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**TINY, "save_every": 10}
    whole = make_job("whole", model_store_name="a", config=config)
    train(str(whole.path))

    killed = make_job("killed", model_store_name="b", config=config)
    saved = killed.path / "training" / state.FILE
    process = multiprocessing.get_context("spawn").Process(
        target=train_and_be_killed, args=(str(killed.path), 45)
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert saved.exists()
    assert killed.result() is None
    assert store_of(killed).versions("tiny") == []

    steps: list[int] = []
    say = Pulse.say

    def spied(pulse: Pulse, stage: str, **what: Any) -> None:
        if stage == "training":
            steps.append(what["done"])
        say(pulse, stage, **what)

    monkeypatch.setattr(Pulse, "say", spied)
    beat = killed.progress().beat
    train(str(killed.path))
    assert killed.result().state == "done"
    assert killed.progress().beat > beat
    # it resumed after a step that was saved, and did not begin again
    assert steps == list(range(41, 81))
    assert not saved.exists()
    assert weights_digest(store_of(killed)) == weights_digest(store_of(whole))
    assert killed.gate_predictions("v1").read_bytes() == whole.gate_predictions("v1").read_bytes()


def test_the_beat_rises_while_it_works_and_a_cancelled_job_says_so(make_job: MakeJob) -> None:
    job = make_job(config=LONG)
    worker = threading.Thread(target=train, args=(str(job.path),))
    worker.start()
    wait_until(lambda: (p := job.progress()) is not None and p.done > 0)
    first = job.progress()
    assert first.stage == "training"
    assert first.total == 100_000
    assert first.seconds_left > 0
    wait_until(lambda: job.progress().beat >= first.beat + 2, seconds=10)
    job.ask_to_cancel()
    worker.join(timeout=30)
    assert not worker.is_alive()
    assert job.result().state == "cancelled"
    assert store_of(job).versions("tiny") == []
    train(str(job.path))  # rung again: still cancelled
    assert job.result().state == "cancelled"


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        ({"config": {"epoch": 1}}, TrainingConfigError, "no training option epoch"),
        ({"champion": "v0", "config": QUICK}, CheckpointError, "config.json is missing"),
    ],
)
def test_a_failure_is_written_and_raised(
    make_job: MakeJob, change: dict[str, object], error: type[Exception], reason: str
) -> None:
    job = make_job(**change)
    with pytest.raises(error):
        train(str(job.path))
    result = job.result()
    assert result.state == "failed"
    assert reason in result.reason


def test_a_snapshot_that_was_changed_is_refused(make_job: MakeJob) -> None:
    job = make_job()
    with (job.snapshot / "train.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(SnapshotError):
        train(str(job.path))
    assert "train.jsonl is not what the manifest says" in job.result().reason
    assert store_of(job).versions("tiny") == []
