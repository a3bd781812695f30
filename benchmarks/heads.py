"""Which head the built-in encoder should have: all six on 4,000 documents of each corpus.

Three seeds each, the same number of steps for all, scored on documents that neither training nor
choosing saw. Prints a JSON line a head and corpus, with the mean micro F1 and its 95 % interval
over seeds (Student's t), then one that says whether the default head is supported: no other has
a higher mean over both corpora beyond its interval. Each finished training is kept in a file, so
that a run which was broken off goes on:

    python benchmarks/heads.py [--corpora FOLDER] [--kept FILE] [--steps N] [--heads A,B]
"""

import argparse
import json
import random
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import torch
from scipy.stats import t as student

from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.scoring import score
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.predict import Tagger
from ml_backend.training import dataset
from ml_backend.training.files import read_gold
from ml_backend.training.fit import fit

CORPORA = ("kmounlp", "cluener")
TRAIN, DEV, TEST = 4000, 500, 2000
SEEDS = (1, 2, 3)
MAX_WIDTH = 24  # of span heads: 999 of 1,000 entities are no longer; the others count as missed
HEADS = get_args(TrainingConfig.model_fields["head"].annotation)


@dataclass(frozen=True)
class Split:
    """One corpus in three parts that share no duplicate group."""

    labels: LabelSet
    train: list[GoldDocument]
    dev: list[GoldDocument]
    test: list[GoldDocument]


def main() -> int:
    """Run what is not kept yet, then print the table; 1 when the default is not supported."""
    options = _options()
    kept = _read(options.kept)
    splits = {corpus: _split(options.corpora / f"{corpus}-train.jsonl") for corpus in CORPORA}
    for seed in SEEDS:  # seed by seed, so that a table of one seed is there early
        for corpus in CORPORA:
            for head in options.heads:
                key = f"{corpus} {head} {seed} {options.steps}"
                if key not in kept:
                    kept[key] = _measure(splits[corpus], head, seed, options.steps)
                    options.kept.parent.mkdir(parents=True, exist_ok=True)
                    with options.kept.open("a") as file:
                        file.write(json.dumps({"key": key, **kept[key]}) + "\n")
    means = {}
    for corpus in CORPORA:
        for head in options.heads:
            runs = [kept[f"{corpus} {head} {seed} {options.steps}"] for seed in SEEDS]
            means[corpus, head] = _row(corpus, head, runs)
    return _verdict(means, options.heads)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--kept", type=Path, default=Path(".goldloop/benchmarks/heads.jsonl"))
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--heads", type=lambda names: names.split(","), default=list(HEADS))
    return parser.parse_args()


def _read(path: Path) -> dict[str, dict[str, float]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return {record.pop("key"): record for record in map(json.loads, lines)}


def _split(path: Path) -> Split:
    gold = read_gold([path])
    groups = {document.group: document for document in gold.documents}
    one_each = [groups[key] for key in sorted(groups)]
    random.Random(11).shuffle(one_each)
    one_each = one_each[: TRAIN + DEV + TEST]
    return Split(
        LabelSet(tuple(gold.labels())),
        one_each[:TRAIN],
        one_each[TRAIN : TRAIN + DEV],
        one_each[TRAIN + DEV :],
    )


def _measure(split: Split, head: str, seed: int, steps: int) -> dict[str, float]:
    config = TrainingConfig.from_dict(
        {"head": head, "epochs": 1, "min_steps": steps, "max_steps": steps, "looks": 4}
        | {"batch_documents": 16, "most_batch_documents": 16, "patience": 4}
        | {"max_width": MAX_WIDTH}
    )
    data = dataset.from_documents(split.train, split.dev, split.labels)
    began = time.monotonic()
    fitted = fit(data, config, seed=seed, device=torch.device("cpu"), watch=lambda _: None)
    seconds = time.monotonic() - began
    found = Tagger(fitted.model).predict([document.text for document in split.test])
    scores = score([d.entities for d in split.test], [one.entities for one in found])
    return {
        "micro_f1": scores.micro.f1,
        "macro_f1": scores.macro_f1,
        "dev_f1": fitted.dev.micro.f1,
        "seconds": seconds,
    }


def _row(corpus: str, head: str, runs: list[dict[str, float]]) -> tuple[float, float]:
    """Print one head on one corpus; returns mean and half-width of its interval."""
    values = [run["micro_f1"] for run in runs]
    mean, deviation = statistics.mean(values), statistics.stdev(values)
    half = float(student.ppf(0.975, len(values) - 1)) * deviation / len(values) ** 0.5
    record = {
        "name": f"{corpus}_{head}",
        "value": round(mean, 4),
        "bar": None,
        "unit": "micro F1",
        "ok": True,
        "low": round(mean - half, 4),
        "high": round(mean + half, 4),
        "macro_f1": round(statistics.mean(run["macro_f1"] for run in runs), 4),
        "seeds": len(runs),
    }
    print(json.dumps(record), flush=True)
    return mean, half


def _verdict(means: dict[tuple[str, str], tuple[float, float]], heads: list[str]) -> int:
    default = TrainingConfig().head
    overall = {head: statistics.mean(means[c, head][0] for c in CORPORA) for head in heads}
    best = max(overall, key=lambda head: overall[head])
    margin = statistics.mean(means[corpus, best][1] for corpus in CORPORA)
    supported = best == default or overall[best] - overall.get(default, 0.0) <= margin
    record = {
        "name": "default_behind_best",
        "value": round(overall[best] - overall.get(default, 0.0), 4),
        "bar": round(margin, 4),
        "unit": "micro F1",
        "ok": supported,
        "default": default,
        "best": best,
    }
    print(json.dumps(record))
    return 0 if supported else 1


if __name__ == "__main__":
    sys.exit(main())
