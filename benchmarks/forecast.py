"""How often the 80 % ranges of forecasts hold what came: documents and minutes to a target F1.

Two kinds of learning curves. Random ones, made here: the built-in tagger learns from growing random
parts of each corpus, 250 steps each time, judged on 400 documents that it never learns from; what
an annotator would have spent is counted as edits of what the tagger before suggested, in seconds by
length and edits with log-normal noise. And those of the replays that benchmarks/replay.py keeps:
chosen by strategies, other documents, another learner. The constants of the forecast were searched
for on the random curves of klp2016 and cluener; the last choices, among some fifteen variants,
were made with those of kmounlp and weibo in view as well. How many rounds a pace is taken from was
chosen on the first part of the replays, so that the second part alone is wholly new to it. Each
version trained is a line of a file, so that a run which was broken off goes on:

    python benchmarks/forecast.py [--corpora FOLDER] [--kept FOLDER] [--replays FOLDER] [--seeds N]

Prints a JSON line a figure; 1 when the ranges of kmounlp and weibo, or of the replays, hold less
than 0.70 or more than 0.90 of at least 60 outcomes.
"""

import ml_backend  # first of all: see there  # isort: skip  # noqa: F401
import argparse
import json
import random
import sys
from pathlib import Path

import torch

from backend.workflow.forecasts.backtest import (
    BAR,
    LEAST_FORECASTS,
    Coverage,
    backtest,
    read_curves,
)
from backend.workflow.forecasts.learning_curve import LEAST_SIZES
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.scoring import bootstrap, score
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.predict import Tagger
from ml_backend.training import dataset
from ml_backend.training.files import read_gold
from ml_backend.training.fit import fit

SEARCHED_ON, TRIED_ON = ("klp2016", "cluener"), ("kmounlp", "weibo")
SIZES = (50, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1300, 1600)
TEST, DEV = 400, 120  # documents
STEPS = 250
CONFIG = {
    **{"epochs": 1, "min_steps": STEPS, "max_steps": STEPS, "looks": 3, "patience": 0},
    **{"batch_documents": 8, "most_batch_documents": 8, "hidden": 96, "ema": 0.98},
}
SECONDS, PER_CHARACTER, PER_EDIT, NOISE = 4.0, 0.06, 3.0, 0.5  # of the annotator


def main() -> int:
    """Make the curves that are not kept yet, then print the figures."""
    options = _options()
    for seed in range(1, options.seeds + 1):
        for corpus in (*SEARCHED_ON, *TRIED_ON):
            _make(options.corpora / f"{corpus}-train.jsonl", seed, options.kept)
    random_curves = read_curves(options.kept)
    tried = {run: its for run, its in random_curves.items() if run.startswith(TRIED_ON)}
    searched = {run: its for run, its in random_curves.items() if run.startswith(SEARCHED_ON)}
    met = _report("random_curves", backtest(tried).overall, judged=True)
    _report("random_curves_labels", backtest(tried).labels)
    _report("random_curves_searched_on", backtest(searched).overall)
    if any(options.replays.rglob("curve.jsonl")):
        replays = read_curves(options.replays)
        if any(len(rounds) > LEAST_SIZES for rounds in replays.values()):
            tried = {run: its for run, its in replays.items() if "-second/" in run}
            found = backtest(tried)
            met &= _report("replays", found.overall, judged=True)
            _report("replays_labels", found.labels)
            first = {run: its for run, its in replays.items() if run not in tried}
            _report("replays_searched_on", backtest(first).overall)
    return 0 if met else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--kept", type=Path, default=Path(".goldloop/benchmarks/forecast"))
    parser.add_argument("--replays", type=Path, default=Path(".goldloop/benchmarks/replay"))
    parser.add_argument("--seeds", type=int, default=2)
    return parser.parse_args()


def _make(path: Path, seed: int, kept: Path) -> None:
    """One curve: a line for each size that is not there yet."""
    corpus = path.name.removesuffix("-train.jsonl")
    out = kept / f"{corpus}-{seed}" / "curve.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = out.read_text().splitlines() if out.exists() else []
    done = [json.loads(line) for line in lines]
    gold = read_gold([path])
    groups = {document.group: document for document in gold.documents}
    documents = [groups[key] for key in sorted(groups)]
    chance = random.Random(seed)
    chance.shuffle(documents)
    test, dev, pool = documents[:TEST], documents[TEST : TEST + DEV], documents[TEST + DEV :]
    sizes = [size for size in SIZES if size <= len(pool)]
    last, edits, minutes, tagger = 0, 0, 0.0, None
    for number, size in enumerate(sizes):
        if number < len(done):
            for _ in pool[last:size]:
                _noise(chance)  # as if it had not been broken off
            last, edits, minutes = size, done[number]["edits"], done[number]["minutes"]
            continue
        more = _spent(pool[last:size], tagger, chance)
        edits, minutes = edits + more[0], minutes + more[1]
        labels = LabelSet(tuple(gold.labels()))
        tagger = _train(pool[:size], dev, labels, seed * 100 + number)
        record = {"documents": size, "entities": sum(len(one.entities) for one in pool[:size])}
        record |= {"edits": edits, "minutes": round(minutes, 3), **_judge(tagger, test)}
        with out.open("a") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
        told = f"curve={corpus}-{seed} documents={size} f1={record['f1']:.4f}"
        print(told, file=sys.stderr, flush=True)
        last = size


def _train(
    train: list[GoldDocument], dev: list[GoldDocument], labels: LabelSet, seed: int
) -> Tagger:
    data = dataset.from_documents(train, dev, labels)
    config = TrainingConfig.from_dict(CONFIG)
    fitted = fit(data, config, seed=seed, device=torch.device("cpu"), watch=lambda _: None)
    return Tagger(fitted.model)


def _spent(
    documents: list[GoldDocument], tagger: Tagger | None, chance: random.Random
) -> tuple[int, float]:
    """Edits and minutes of an annotator who corrects what the tagger suggests.

    After a stop the tagger is gone: its documents are then annotated from an empty page.
    """
    edits, seconds = 0, 0.0
    texts = [document.text for document in documents]
    found = [one.entities for one in tagger.predict(texts)] if tagger else [[] for _ in texts]
    for document, suggested in zip(documents, found, strict=True):
        gold, said = ({entity.key for entity in each} for each in (document.entities, suggested))
        changed = max(len(gold - said), len(said - gold))
        edits += changed
        plain = SECONDS + PER_CHARACTER * len(document.text) + PER_EDIT * changed
        seconds += plain * _noise(chance)
    return edits, seconds / 60


def _noise(chance: random.Random) -> float:
    return chance.lognormvariate(0, NOISE)


def _judge(tagger: Tagger, test: list[GoldDocument]) -> dict[str, object]:
    gold = [document.entities for document in test]
    found = [one.entities for one in tagger.predict([document.text for document in test])]
    scores, interval = score(gold, found), bootstrap(gold, found, seed=0)
    per_label = {
        label: {"f1": its.f1, "support": its.support} for label, its in scores.per_label.items()
    }
    return {
        "f1": scores.micro.f1,
        "per_label": per_label,
        "interval": [interval.low, interval.high],
    }


def _report(name: str, found: Coverage, *, judged: bool = False) -> bool:
    """Print the shares of ranges that held; whether they are what was promised."""
    met = found.forecasts >= LEAST_FORECASTS
    for what, share in (("documents", found.documents), ("minutes", found.minutes)):
        held = share is not None and BAR[0] <= share <= BAR[1]
        met &= held
        record = {
            "name": f"forecast_{name}_{what}",
            "value": None if share is None else round(share, 3),
            "bar": list(BAR) if judged else None,
            "unit": "share of 80 % ranges that held",
            "ok": (held and found.forecasts >= LEAST_FORECASTS) or not judged,
            "forecasts": found.forecasts,
            "open": None if found.open is None else round(found.open, 3),
            "width": None if found.width is None else round(found.width, 2),
        }
        print(json.dumps(record), flush=True)
    return met


if __name__ == "__main__":
    sys.exit(main())
