"""The training job: from a job folder to a version in the model store.

`Progress.figures` holds epoch, step, loss and dev_f1. `Result.figures` holds `dev` (scores as
JSON), `steps`, `epochs`, `documents` trained on and `seconds` of training, scoring left out.
"""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from ml_backend.contract.messages import JobFolder, Progress, Result, TrainRequest, write_jsonl
from ml_backend.contract.model_store import ModelStore
from ml_backend.contract.reasons import reason_of
from ml_backend.contract.snapshot import GoldDocument, Manifest, read_manifest, read_part
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger import checkpoint
from ml_backend.tagger.loading import TextTagger, load_model, load_tagger
from ml_backend.tagger.predict import TextPrediction
from ml_backend.training import dataset
from ml_backend.training.evaluate import judge
from ml_backend.training.fit import Step
from ml_backend.training.job_report import note_step, write_report
from ml_backend.training.version import make_version

_CHUNK = 256  # gate documents between two looks at the cancel flag


class Cancelled(Exception):
    """Somebody asked this job to stop."""


class VersionTakenError(Exception):
    """The store holds this version already, made from other gold or with other options."""


def train(folder: str) -> None:
    """Do the job of a folder once; a folder that has its result is left alone.

    A failure is written into the result and raised, so that folder and queue both know.
    """
    do_once(folder, lambda job, pulse: _train(job, job.train_request(), pulse))


def do_once(folder: str, work: Callable[[JobFolder, "Pulse"], dict[str, Any]]) -> None:
    """Do a job's work, which returns its figures, and write its result, as of `train`."""
    job = JobFolder(Path(folder))
    if job.result() is not None:
        return
    try:
        with Pulse(job) as pulse:
            figures = work(job, pulse)
    except Cancelled:
        job.write_result(Result("cancelled", "cancelled on request"))
    except Exception as error:
        job.write_result(Result("failed", reason_of(error)))
        raise
    else:
        job.write_result(Result("done", figures=figures))


class Pulse:
    """Says that the job lives: a thread that raises the beat, and the latest progress."""

    def __init__(self, job: JobFolder, every: float = 1.0):
        self._job, self._every = job, every
        before = job.progress()
        self._progress = Progress(beat=before.beat + 1 if before else 1, stage="starting")
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> "Pulse":
        self._write()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._write()

    def say(self, stage: str, **what: Any) -> None:
        """Set what the next beat reports; raises Cancelled once that was asked for."""
        with self._lock:
            beat = self._progress.beat
            figures = what.pop("figures", self._progress.figures)
            self._progress = Progress(beat=beat, stage=stage, figures=figures, **what)
        if self._job.cancel_asked():
            raise Cancelled

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            self._write()

    def _write(self) -> None:
        with self._lock:
            self._progress = replace(self._progress, beat=self._progress.beat + 1)
            self._job.write_progress(self._progress)


def _train(job: JobFolder, request: TrainRequest, pulse: Pulse) -> dict[str, Any]:
    started = time.monotonic()
    pulse.say("reading")
    config = TrainingConfig.from_dict(request.config)
    manifest = read_manifest(job.snapshot)
    store = ModelStore(Path(request.model_store))
    if request.version not in store.versions(request.project_key):
        _build(job, request, config, manifest, store, pulse)
    trained = time.monotonic()
    version = store.version_folder(request.project_key, request.version)
    made = checkpoint.training_record(version)
    if made.get("snapshot") != manifest.digest or made.get("seed") != request.seed:
        raise VersionTakenError(
            f"version {request.version} is in the store, made from another snapshot or seed"
        )
    tagger = load_tagger(version)
    pulse.say("scoring on dev")
    dev = dataset.load(job.snapshot, manifest, nested=config.nested).dev
    on_dev = tagger.predict([document.text for document in dev])
    gate = list(read_part(job.snapshot, "gate")) if "gate" in manifest.files else []
    on_gate = _tag_gate(job, request.version, tagger, gate, pulse)
    pulse.say("reporting")
    write_report(job, load_model(version), {"dev": (dev, on_dev), "gate": (gate, on_gate)})
    if request.champion is not None:
        champion = store.version_folder(request.project_key, request.champion)
        _tag_gate(job, request.champion, load_tagger(champion), gate, pulse)
    return {
        "dev": judge(dev, on_dev).to_dict(),
        "steps": made["steps"],
        "epochs": made["epochs"],
        "documents": made["documents"],
        "seconds": round(trained - started, 3),
    }


def _build(
    job: JobFolder,
    request: TrainRequest,
    config: TrainingConfig,
    manifest: Manifest,
    store: ModelStore,
    pulse: Pulse,
) -> None:
    """Train the version beside the job and move it into the store when it is whole.

    What a worker that was killed had trained is gone on from.
    """
    built, under_way = job.path / "build", job.path / "training"
    shutil.rmtree(built, ignore_errors=True)
    data = dataset.load(
        job.snapshot, manifest, nested=config.nested, pseudo_weight=config.pseudo_weight
    )
    started, done_before = time.monotonic(), -1

    def watch(step: Step) -> None:
        nonlocal done_before
        if done_before < 0:
            done_before = step.step - 1
        pace = (time.monotonic() - started) / (step.step - done_before)
        left = pace * (step.steps - step.step)
        figures = {
            "epoch": step.epoch,
            "step": float(step.step),
            "loss": step.loss,
            "dev_f1": step.dev_f1,
        }
        pulse.say("training", done=step.step, total=step.steps, seconds_left=left, figures=figures)
        note_step(job, step)

    about = {
        "snapshot": manifest.digest,
        "mapping": manifest.mapping,
        "left_out": manifest.left_out,
    }
    start_from = None
    if config.start == "champion" and request.champion is not None:
        start_from = store.version_folder(request.project_key, request.champion)
    make_version(
        data,
        config,
        seed=request.seed,
        folder=built,
        about=about,
        watch=watch,
        resume_in=under_way,
        start_from=start_from,
    )
    store.add(request.project_key, request.version, built)
    shutil.rmtree(built)
    shutil.rmtree(under_way, ignore_errors=True)


def _tag_gate(
    job: JobFolder,
    version: str,
    tagger: TextTagger,
    documents: Sequence[GoldDocument],
    pulse: Pulse,
) -> list[TextPrediction]:
    readings: list[TextPrediction] = []

    def lines() -> Iterator[dict[str, Any]]:
        for first in range(0, len(documents), _CHUNK):
            pulse.say(f"tagging gate gold with {version}", done=first, total=len(documents))
            chunk = documents[first : first + _CHUNK]
            predictions = tagger.predict([document.text for document in chunk])
            readings.extend(predictions)
            for document, prediction in zip(chunk, predictions, strict=True):
                entities = [entity.to_dict() for entity in prediction.entities]
                confidence = prediction.confidence
                yield {"id": document.id, "entities": entities, "confidence": confidence}

    write_jsonl(job.gate_predictions(version), lines())
    return readings
