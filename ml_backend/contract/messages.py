"""The job folder: how work crosses from the backend to the ML backend, and back.

    JOB/request.json      what is to be done, written before the job is enqueued
    JOB/input.jsonl …     the frozen input
    JOB/progress.json     replaced as the work goes on; its `beat` rises while the job is alive
    JOB/cancel            exists once somebody asked to stop
    JOB/output.jsonl …    what was made
    JOB/result.json       written last; its presence means finished, whatever the queue believes

The folder is the truth and RQ only the bell, so a job may be rung twice and starts by looking
for its own result.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ml_backend.contract.model_store import write_atomically

TRAIN_JOB = "ml_backend.training.run.train"
PREDICT_FILE_JOB = "ml_backend.serving.predict_file.predict_file"
REQUEST_TRAINING_JOB = "backend.jobs.request_training"

TRAIN_QUEUE, PREDICT_QUEUE, DEFAULT_QUEUE = "train", "predict", "default"


@dataclass(frozen=True, slots=True)
class TrainRequest:
    """Train one version from `JOB/snapshot/` (see snapshot.py) and put it into the model store.

    Then tag the snapshot's `gate` part with the very form that would be served, by this version
    into `JOB/gate-VERSION.jsonl` and by `champion`, where there is one, into its own file:
    lines of `{"id", "entities", "confidence"}`. The backend scores them; training decides nothing.

    For people to look at: `JOB/course.jsonl` (see course.py) as it goes on; `JOB/report.json` with
    what this version is worth on `gate` and on `dev` in full; and in `JOB/outcomes.jsonl` what
    became of each gate document, `{"id", "gold", "counts"}`: the name of its gold and the
    outcome (see label_intervals.py), by which any two versions can be compared.
    """

    project_key: str
    version: str
    model_store: str
    champion: str | None = None
    seed: int = 0
    config: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PredictRequest:
    """Tag `JOB/input.jsonl` (`{"id", "text"}` a line) into `JOB/output.jsonl`, in order.

    Output lines are `{"id", "entities": [{"start", "end", "label", "probability"}], "confidence"}`.
    """

    project_key: str
    version: str
    model_store: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is; `beat` rises at least every two seconds while the worker lives."""

    beat: int
    stage: str
    done: int = 0
    total: int = 0
    seconds_left: float | None = None
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """How a job ended. `figures` is JSON that the job's own page documents."""

    state: Literal["done", "cancelled", "failed"]
    reason: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobFolder:
    """One job's folder; see the module's docstring."""

    path: Path

    @property
    def snapshot(self) -> Path:
        return self.path / "snapshot"

    def gate_predictions(self, version: str) -> Path:
        """Where a version's predictions of the gate part are."""
        return self.path / f"gate-{version}.jsonl"

    @property
    def course(self) -> Path:
        """Loss and F1 on dev of a training as it goes on."""
        return self.path / "course.jsonl"

    @property
    def outcomes(self) -> Path:
        """What became of each gate document."""
        return self.path / "outcomes.jsonl"

    def write_report(self, report: dict[str, Any]) -> None:
        _write_json(self.path / "report.json", report)

    def report(self) -> dict[str, Any] | None:
        """What the version that was made is worth in full, None where nothing says so."""
        try:
            return _read_json(self.path / "report.json")
        except FileNotFoundError:
            return None

    @property
    def input(self) -> Path:
        return self.path / "input.jsonl"

    @property
    def output(self) -> Path:
        return self.path / "output.jsonl"

    def write_request(self, request: TrainRequest | PredictRequest) -> None:
        _write_json(self.path / "request.json", asdict(request))

    def train_request(self) -> TrainRequest:
        return TrainRequest(**_read_json(self.path / "request.json"))

    def predict_request(self) -> PredictRequest:
        return PredictRequest(**_read_json(self.path / "request.json"))

    def write_progress(self, progress: Progress) -> None:
        _write_json(self.path / "progress.json", asdict(progress))

    def progress(self) -> Progress | None:
        """The last progress, None before the first."""
        try:
            return Progress(**_read_json(self.path / "progress.json"))
        except FileNotFoundError:
            return None

    def ask_to_cancel(self) -> None:
        (self.path / "cancel").touch()

    def cancel_asked(self) -> bool:
        return (self.path / "cancel").exists()

    def write_result(self, result: Result) -> None:
        _write_json(self.path / "result.json", asdict(result))

    def result(self) -> Result | None:
        """How the job ended, None while it has not."""
        try:
            return Result(**_read_json(self.path / "result.json"))
        except FileNotFoundError:
            return None


def write_jsonl(path: Path, records: Iterable[dict[str, Any]]) -> int:
    """Write one JSON object a line, atomically; returns how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    count = 0
    with temporary.open("w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
            count += 1
    temporary.replace(path)
    return count


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file; lines end at newline only, never inside a text."""
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            if line.strip():
                yield json.loads(line)


def _write_json(path: Path, record: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(record, ensure_ascii=False).encode())


def _read_json(path: Path) -> dict[str, Any]:
    record = json.loads(path.read_text("utf-8"))
    assert isinstance(record, dict)
    return record
