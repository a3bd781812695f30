"""The job that doubts gold: how likely it is to taggers that never saw it (see DoubtsRequest).

Folds that were read stay in `JOB/folds/` until the job ends: one that was killed goes on with the
next, and inside a fold from the trainer's last saved step.
"""

import heapq
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from ml_backend.contract.messages import DoubtsRequest, JobFolder, read_jsonl, write_jsonl
from ml_backend.contract.snapshot import GoldDocument, Manifest, read_manifest, read_part
from ml_backend.tagger.predict import Tagger
from ml_backend.training import dataset
from ml_backend.training.config import TrainingConfig
from ml_backend.training.dataset import Example
from ml_backend.training.evaluate import evaluate
from ml_backend.training.fit import Fitted, Step, fit
from ml_backend.training.folds import parts_of
from ml_backend.training.gold_chances import GoldChances, Likely, gold_chances
from ml_backend.training.run import Pulse, do_once

PARTS = ("train", "dev", "gate")
_CHUNK = 256  # documents between two looks at the cancel flag


def find_doubts(folder: str) -> None:
    """Do the job of a folder once; a folder that has its result is left alone.

    A failure is written into the result and raised.
    """
    do_once(folder, lambda job, pulse: _find(job, job.doubts_request(), pulse))
    for left in ("folds", "training"):
        shutil.rmtree(Path(folder) / left, ignore_errors=True)


def _find(job: JobFolder, request: DoubtsRequest, pulse: Pulse) -> dict[str, Any]:
    started = time.monotonic()
    pulse.say("reading")
    manifest = read_manifest(job.snapshot)
    options = {"folds": 0, "calibration": "none", "doubtful": "tell", "serving_form": "fp32"}
    config = TrainingConfig.from_dict({**request.config, **options})
    documents = sorted(
        (one for part in PARTS if part in manifest.files for one in read_part(job.snapshot, part)),
        key=lambda one: one.id,
    )
    groups = [Example(one.text, one.entities, group=one.group) for one in documents]
    parts = parts_of(groups, request.folds, seed=request.seed)
    for number in range(request.folds):
        if not _lines_of(job, number).exists():
            unseen = [one for one, part in zip(documents, parts, strict=True) if part == number]
            rest = [one for one, part in zip(documents, parts, strict=True) if part != number]
            _read_fold(job, request, config, manifest, number, rest, unseen, pulse)
    folds = [next(read_jsonl(_about(job, number))) for number in range(request.folds)]
    lines = [read_jsonl(_lines_of(job, number)) for number in range(request.folds)]
    count = write_jsonl(job.doubts, heapq.merge(*lines, key=lambda line: line["id"]))
    return {
        "documents": count,
        "entities": sum(len(one.entities) for one in documents),
        "folds": request.folds,
        "steps": sum(one["steps"] for one in folds),
        "f1": [one["f1"] for one in folds],
        "seconds": round(time.monotonic() - started, 3),
    }


def _read_fold(
    job: JobFolder,
    request: DoubtsRequest,
    config: TrainingConfig,
    manifest: Manifest,
    number: int,
    rest: Sequence[GoldDocument],
    unseen: Sequence[GoldDocument],
    pulse: Pulse,
) -> None:
    """Train on the rest and write what is said of the part; its lines come last."""
    steps, f1 = 0, 0.0
    tagger = None
    if unseen:
        fitted, tagger = _trained(job, request, config, manifest, number, rest, pulse)
        steps, f1 = fitted.steps, evaluate(tagger, unseen).micro.f1
    write_jsonl(_about(job, number), [{"steps": steps, "f1": f1}])

    def lines() -> Iterator[dict[str, Any]]:
        for first in range(0, len(unseen), _CHUNK):
            pulse.say(f"reading part {number + 1}", done=first, total=len(unseen))
            some = unseen[first : first + _CHUNK]
            assert tagger is not None
            for document, said in zip(some, gold_chances(tagger, some), strict=True):
                yield {"id": document.id, "fold": number, **_record(said)}

    write_jsonl(_lines_of(job, number), lines())


def _trained(
    job: JobFolder,
    request: DoubtsRequest,
    config: TrainingConfig,
    manifest: Manifest,
    number: int,
    rest: Sequence[GoldDocument],
    pulse: Pulse,
) -> tuple[Fitted, Tagger]:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    started, done_before = time.monotonic(), -1

    def watch(step: Step) -> None:
        nonlocal done_before
        if done_before < 0:
            done_before = step.step - 1
        done, total = number * step.steps + step.step, request.folds * step.steps
        pace = (time.monotonic() - started) / (step.step - done_before)
        figures = {
            "fold": float(number),
            "epoch": step.epoch,
            "step": float(step.step),
            "loss": step.loss,
            "dev_f1": step.dev_f1,
        }
        left = pace * (total - done)
        pulse.say("training", done=done, total=total, seconds_left=left, figures=figures)

    fitted = fit(
        dataset.from_documents(rest, [], manifest.labels, nested=config.nested),
        config,
        seed=request.seed,
        device=device,
        watch=watch,
        resume_in=job.path / "training" / str(number),
    )
    return fitted, Tagger(fitted.model, device)


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


def _lines_of(job: JobFolder, number: int) -> Path:
    return job.path / "folds" / f"{number}.jsonl"


def _about(job: JobFolder, number: int) -> Path:
    return job.path / "folds" / f"{number}-about.jsonl"
