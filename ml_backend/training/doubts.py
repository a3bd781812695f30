"""The job that doubts gold: how likely it is to taggers that never saw it (see DoubtsRequest).

Folds that were read stay in `JOB/folds/` until the job ends: one that was killed goes on with the
next, and inside a fold from the trainer's last saved step.
"""

import heapq
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch

from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.messages import DoubtsRequest, JobFolder, read_jsonl, write_jsonl
from ml_backend.contract.snapshot import GoldDocument, read_manifest, read_part
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.predict import Tagger
from ml_backend.training import dataset
from ml_backend.training.dataset import Example
from ml_backend.training.evaluate import evaluate
from ml_backend.training.fit import Fitted, Step, fit
from ml_backend.training.gold_chances import GoldChances, Likely, gold_chances
from ml_backend.training.members import parts_of
from ml_backend.training.run import Pulse, do_once

PARTS = ("train", "dev", "gate")
_CHUNK = 256  # documents between two looks at the cancel flag
# probabilities are wanted as they are, and no version is made
_PLAIN = {
    "folds": 0,
    "members": 1,
    "calibration": "none",
    "doubtful": "tell",
    "serving_form": "fp32",
}


def find_doubts(folder: str) -> None:
    """Do the job of a folder once; a folder that has its result is left alone.

    A failure is written into the result and raised.
    """
    do_once(folder, _find)
    for left in ("folds", "training"):
        shutil.rmtree(Path(folder) / left, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Folds:
    """The gold that is doubted, shared out, and how each part's tagger is trained."""

    job: JobFolder
    request: DoubtsRequest
    config: TrainingConfig
    labels: LabelSet
    documents: list[GoldDocument]  # by id
    parts: list[int | None]  # the part of each
    pulse: Pulse

    @classmethod
    def of(cls, job: JobFolder, pulse: Pulse) -> Self:
        """Read the snapshot and share it out."""
        request, manifest = job.doubts_request(), read_manifest(job.snapshot)
        there = [part for part in PARTS if part in manifest.files]
        documents = [document for part in there for document in read_part(job.snapshot, part)]
        documents.sort(key=lambda document: document.id)
        examples = [Example(one.text, one.entities, group=one.group) for one in documents]
        parts = parts_of(examples, request.folds, seed=request.seed)
        config = TrainingConfig.from_dict({**request.config, **_PLAIN})
        return cls(job, request, config, manifest.labels, documents, parts, pulse)

    def read(self, number: int) -> None:
        """Train on all but a part and write what is said of it; the lines come last."""
        pairs = list(zip(self.documents, self.parts, strict=True))
        unseen = [document for document, part in pairs if part == number]
        fitted = self._fit(number, [document for document, part in pairs if part != number])
        tagger = Tagger(fitted.model, _device())
        figures = {"steps": fitted.steps, "f1": evaluate(tagger, unseen).micro.f1}
        write_jsonl(figures_of(self.job, number), [figures])
        write_jsonl(lines_of(self.job, number), self._lines(number, tagger, unseen))

    def _fit(self, number: int, rest: Sequence[GoldDocument]) -> Fitted:
        started, done_before = time.monotonic(), -1

        def watch(step: Step) -> None:
            nonlocal done_before
            if done_before < 0:
                done_before = step.step - 1
            done, total = number * step.steps + step.step, self.request.folds * step.steps
            pace = (time.monotonic() - started) / (step.step - done_before)
            figures = {
                "fold": float(number),
                "epoch": step.epoch,
                "step": float(step.step),
                "loss": step.loss,
                "dev_f1": step.dev_f1,
            }
            left = pace * (total - done)
            self.pulse.say("training", done=done, total=total, seconds_left=left, figures=figures)

        return fit(
            dataset.from_documents(rest, [], self.labels, nested=self.config.nested),
            self.config,
            seed=self.request.seed,
            device=_device(),
            watch=watch,
            resume_in=self.job.path / "training" / str(number),
        )

    def _lines(
        self, number: int, tagger: Tagger, unseen: Sequence[GoldDocument]
    ) -> Iterator[dict[str, Any]]:
        for first in range(0, len(unseen), _CHUNK):
            stage = f"reading part {number + 1} of {self.request.folds}"
            self.pulse.say(stage, done=first, total=len(unseen))
            some = unseen[first : first + _CHUNK]
            for document, said in zip(some, gold_chances(tagger, some), strict=True):
                yield {"id": document.id, "fold": number, **_record(said)}


def _find(job: JobFolder, pulse: Pulse) -> dict[str, Any]:
    started = time.monotonic()
    pulse.say("reading")
    folds = _Folds.of(job, pulse)
    numbers = sorted({part for part in folds.parts if part is not None})
    for number in numbers:
        if not lines_of(job, number).exists():
            folds.read(number)
    figures = [next(read_jsonl(figures_of(job, number))) for number in numbers]
    lines = [read_jsonl(lines_of(job, number)) for number in numbers]
    return {
        "documents": write_jsonl(job.doubts, heapq.merge(*lines, key=lambda line: line["id"])),
        "entities": sum(len(document.entities) for document in folds.documents),
        "folds": len(numbers),
        "steps": sum(one["steps"] for one in figures),
        "f1": [one["f1"] for one in figures],
        "seconds": round(time.monotonic() - started, 3),
    }


def _record(said: GoldChances) -> dict[str, Any]:
    return {
        "gold": [_entity(one) for one in said.gold],
        "entities": [_entity(one) for one in said.found],
        "tags": [round(tag, 4) for tag in said.tags],
        "confidence": round(said.confidence, 6),
    }


def _entity(one: Likely) -> dict[str, Any]:
    start, end, label = one.entity.key
    return {
        "start": start,
        "end": end,
        "label": label,
        "probability": None if one.probability is None else round(one.probability, 6),
        "others": {other: round(chance, 6) for other, chance in one.others.items()},
    }


def lines_of(job: JobFolder, number: int) -> Path:
    """What was said of a part, there once all of it is."""
    return job.path / "folds" / f"{number}.jsonl"


def figures_of(job: JobFolder, number: int) -> Path:
    """How a part's tagger was trained, and what it is worth there."""
    return job.path / "folds" / f"{number}-figures.jsonl"


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
