"""The job folder: how work crosses from the backend to the ML backend, and back.

    JOB/request.json      what is to be done, written before the job is enqueued
    JOB/input.jsonl …     the frozen input
    JOB/progress.json     replaced as the work goes on; its `beat` rises while the job is alive
    JOB/cancel            exists once somebody asked to stop
    JOB/output.jsonl …    what was made, arrays in `.npy` beside it
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
DOUBTS_JOB = "ml_backend.training.doubts.find_doubts"
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

    With `scores`, which selection ranks by, each line also has `"scores"`:

        log_probability   natural logarithm of the probability of the best labelling, uncalibrated
        characters        how many characters were labelled (tokens, where they are the unit)
        margin            probability of the best labelling less that of the second best
        mean_entropy      of the marginals over the characters, in nats
        max_entropy       the largest of them
        disagreement      vote entropy in [0, 1] of the spans that `dropout_passes` readings with
                          dropout, and the members of a voting version, found; null without either
        expected          {label: expected number of entities by the marginals}

    and each entity has `"runner_up": {"label", "probability"}`, the likeliest other label of its
    very span (null where the label set has no other), and two arrays of float16 are written, rows
    in the order of the output: `JOB/vectors.npy` (documents, d), the mean of the encoder's vectors
    over the characters, and `JOB/gradients.npy` (documents, g), the gradient of the loss by the
    head's last layer if the best labelling were true (Ash et al. 2020, BADGE), projected at random
    to g <= 256 numbers with a fixed seed. Vectors of two versions cannot be compared. Raises
    ValueError for less than 0 passes, or for passes without scores.
    """

    project_key: str
    version: str
    model_store: str
    scores: bool = False
    dropout_passes: int = 0

    def __post_init__(self) -> None:
        if self.dropout_passes < 0 or (self.dropout_passes and not self.scores):
            raise ValueError(f"{self.dropout_passes} dropout passes with scores={self.scores}")


@dataclass(frozen=True, slots=True)
class DoubtsRequest:
    """Say how likely the gold of `JOB/snapshot/` is to taggers that never saw it.

    The documents of its parts `train`, `dev` and `gate` are shared out to `folds` parts, duplicate
    groups whole; for each a tagger is trained on the others, with the options of `config` (see
    TrainingConfig; its own `folds` are not used), and reads the part. No version is made of them.
    `JOB/doubts.jsonl` has a line for each document, ordered by id:

        id         the document's
        fold       from 0: the part that it was in
        gold       [{"start", "end", "label", "probability", "others"}], its gold, sorted, each
                   entity with its own probability and, in `others`, {label: probability} of other
                   labels on the same span
        entities   the same of what the tagger found there, sorted
        tags       [p, …] the probability of each character's gold tag: the least is worst-token
        confidence of the tagger's reading, that all of it is right and nothing missing

    Probabilities are the tagger's own, not calibrated, rounded to 6 digits (of tags: 4). Labels on
    a span exclude each other: what they leave of 1 says that the span is no entity. Others of less
    than 0.001 are left out. Of labels that nobody looked for in a document nothing is found, and
    where they are likely that is no doubt of a character's tag. Gold that such a tagger can never
    find (an end inside a token, a span wider than any it learned) has null as its probability, and
    its characters' tags are not doubted: 1. `Result.figures` is `{"documents",
    "entities", "folds", "steps", "f1": [of each part], "seconds"}`.
    """

    project_key: str
    folds: int = 5
    seed: int = 0
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folds < 2:
            raise ValueError(f"gold is doubted by 2 folds or more, not by {self.folds}")


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

    @property
    def vectors(self) -> Path:
        """Mean vectors of the documents of a prediction with scores."""
        return self.path / "vectors.npy"

    @property
    def gradients(self) -> Path:
        """Gradient embeddings of the documents of a prediction with scores."""
        return self.path / "gradients.npy"

    @property
    def doubts(self) -> Path:
        """What taggers that never saw a document say of its gold."""
        return self.path / "doubts.jsonl"

    def write_request(self, request: TrainRequest | PredictRequest | DoubtsRequest) -> None:
        _write_json(self.path / "request.json", asdict(request))

    def train_request(self) -> TrainRequest:
        return TrainRequest(**_read_json(self.path / "request.json"))

    def predict_request(self) -> PredictRequest:
        return PredictRequest(**_read_json(self.path / "request.json"))

    def doubts_request(self) -> DoubtsRequest:
        return DoubtsRequest(**_read_json(self.path / "request.json"))

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
