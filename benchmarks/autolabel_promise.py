"""Whether the autolabel promise is kept, and how much of a pool it accepts.

Each corpus is split by duplicate group with a seed: three tenths of the groups are the rest, a
tenth is dev, and two versions of the built-in encoder, whose lexicon also reads a dictionary
(mecab-ko-dic, jieba), learn from the others with a small budget of steps: a small one from 15 % of
all groups, a large one from 60 %. What a version's confidence in a whole document is, is learned
on dev, as in the product. The rest is predicted once and drawn 200 times, without replacement, four
tenths into certify and the others into test, one document a group; the threshold comes from certify
as in the product. Test is the larger part: where certify was lucky, what is left for test is so
much the worse, and the smaller test is, the more of that would be counted as a broken promise.

`violations` is the share of draws in which the accepted test documents are exactly right less
often than p, at the worst of p = 0.90 and 0.95 and of the versions. It is a share of all draws, as
the promise is: a draw that accepts nothing breaks none. Beside it stands the share among the draws
that accept any test document, `violations_where_accepting`, which nothing promises: where hardly a
draw accepts anything, those that do are the lucky ones.

`coverage` is the mean share of test documents accepted, draws that accept nothing included. Prints
a JSON line a figure; the curve of p against coverage is drawn to KEPT/coverage.png, its numbers
are in KEPT/coverage.json. Versions are kept, so that a run that was broken off goes on:

    python benchmarks/autolabel_promise.py [--corpora FOLDER] [--kept FOLDER] [--corpus A,B]
"""

import ml_backend  # first of all: see there  # isort: skip  # noqa: F401
import argparse
import hashlib
import json
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib.pyplot as plt

from backend.workflow.autolabels.looks import certify_in_looks
from backend.workflow.autolabels.promise import Outcome
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.predict import Tagger
from ml_backend.training import dataset
from ml_backend.training.dictionaries import write_gazetteer
from ml_backend.training.files import read_gold
from ml_backend.training.fit import Step
from ml_backend.training.version import make_version

SEED = 17
REST, DEV = 0.3, 0.1  # shares of the groups
PARTS = {"small": 0.15, "large": 0.6}  # of the groups: what the two versions learn from
STEPS = {"small": 600, "large": 3000}
CONFIGS = {
    "kmounlp": {"learning_rate": 3e-3, "crf_learning_rate": 3e-2, "swap": 0.2},
    "cluener": {"swap": 0.2},
}
DICTIONARIES = {"kmounlp": "mecab-ko", "cluener": "jieba"}
CERTIFY = 0.4  # of the rest, in each draw
DRAWS = 200
DELTA = 0.05
CURVE = tuple(round(0.5 + step / 40, 3) for step in range(20))  # 0.50 to 0.975
JUDGED, COVERED = (0.90, 0.95), 0.90  # p of the figures
VIOLATIONS_BAR, COVERAGE_BAR = 0.08, 0.25


@dataclass(frozen=True)
class Split:
    """One corpus in parts that share no duplicate group; lists of groups."""

    labels: LabelSet
    train: list[list[GoldDocument]]
    dev: list[list[GoldDocument]]
    rest: list[list[GoldDocument]]


@dataclass(frozen=True)
class Point:
    """What the draws of one version came to for one p."""

    p: float
    coverage: float
    accepting: int  # draws that accepted any test document
    broken: int  # of these, where the accepted were right less often than p
    kept_rate: float | None  # how often the accepted were right, over all draws

    @property
    def violations(self) -> float:
        """The share of all draws that broke the promise."""
        return self.broken / DRAWS


def main() -> int:
    """Train what is not kept yet, draw, and print the figures; 1 when a bar is missed."""
    options = _options()
    curves: dict[str, list[Point]] = {}
    for corpus in options.corpus:
        split = _split(options.corpora / f"{corpus}-train.jsonl")
        for size in PARTS:
            outcomes = _outcomes(_version(split, corpus, size, options.kept), split)
            right = statistics.fmean(outcome.right for outcome in outcomes)
            _print(f"{corpus}_{size}_exactly_right", right, None, True)
            curves[f"{corpus} {size}"] = _points(outcomes)
    _keep(curves, options.kept)
    return 0 if _report(curves) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--kept", type=Path, default=Path(".goldloop/benchmarks/autolabel_promise"))
    parser.add_argument("--corpus", type=lambda names: names.split(","), default=list(CONFIGS))
    return parser.parse_args()


def _split(path: Path) -> Split:
    gold = read_gold([path])
    by_group: dict[str, list[GoldDocument]] = {}
    for document in gold.documents:
        by_group.setdefault(document.group, []).append(document)
    groups = [by_group[key] for key in sorted(by_group)]
    random.Random(SEED).shuffle(groups)
    rest, dev = round(len(groups) * REST), round(len(groups) * DEV)
    return Split(
        LabelSet(tuple(gold.labels())),
        train=groups[rest + dev :],
        dev=groups[rest : rest + dev],
        rest=groups[:rest],
    )


def _version(split: Split, corpus: str, size: str, kept: Path) -> Path:
    """The trained version of a corpus and a size; trained now if need be, or to its end."""
    groups = len(split.train) + len(split.dev) + len(split.rest)
    learned = split.train[: round(groups * PARTS[size])]
    gazetteer = kept / f"{DICTIONARIES[corpus]}.tsv"
    if not gazetteer.exists():
        write_gazetteer(DICTIONARIES[corpus], gazetteer)
    config = TrainingConfig(
        precision="bf16", max_steps=STEPS[size], gazetteer=str(gazetteer), **CONFIGS[corpus]
    )
    asked = json.dumps([config.to_dict(), SEED, [one[0].group for one in learned]])
    folder = kept / f"{corpus}-{size}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"
    if (folder / "done").exists():
        return folder / "version"
    began = time.monotonic()

    def watch(step: Step) -> None:
        if step.step % config.save_every == 0 or step.step == step.steps:
            told = f"step={step.step}/{step.steps} dev_f1={step.dev_f1:.4f}"
            seconds = time.monotonic() - began
            print(f"version={folder.name} {told} s={seconds:.0f}", file=sys.stderr, flush=True)

    make_version(
        dataset.from_documents(_flat(learned), _flat(split.dev), split.labels),
        config,
        seed=SEED,
        folder=folder / "version",
        about={"corpus": corpus},
        watch=watch,
        resume_in=folder / "state",
    )
    (folder / "done").touch()
    return folder / "version"


def _outcomes(version: Path, split: Split) -> list[Outcome]:
    """What the version says of the rest, one document a group."""
    documents = [group[0] for group in split.rest]
    readings = Tagger.load(version).predict([document.text for document in documents])
    return [
        Outcome(reading.confidence, set(reading.entities) == set(document.entities))
        for document, reading in zip(documents, readings, strict=True)
    ]


def _points(outcomes: Sequence[Outcome]) -> list[Point]:
    """Draw, certify and test; every p on the same draws."""
    chance, pool = random.Random(SEED), list(outcomes)
    judging = round(len(pool) * CERTIFY)
    taken: dict[float, list[tuple[int, int]]] = {p: [] for p in CURVE}  # accepted and right, a draw
    for _ in range(DRAWS):
        chance.shuffle(pool)
        for p in CURVE:
            threshold = certify_in_looks(pool[:judging], p, DELTA).threshold
            accepted = [
                one.right
                for one in pool[judging:]
                if threshold is not None and one.confidence >= threshold
            ]
            taken[p].append((len(accepted), sum(accepted)))
    return [_point(p, taken[p], len(pool) - judging) for p in CURVE]


def _point(p: float, taken: Sequence[tuple[int, int]], tested: int) -> Point:
    total = sum(accepted for accepted, _ in taken)
    return Point(
        p,
        coverage=total / (len(taken) * tested),
        accepting=sum(accepted > 0 for accepted, _ in taken),
        broken=sum(right < p * accepted for accepted, right in taken),
        kept_rate=sum(right for _, right in taken) / total if total else None,
    )


def _keep(curves: dict[str, list[Point]], kept: Path) -> None:
    record = {name: [asdict(point) for point in points] for name, points in curves.items()}
    (kept / "coverage.json").write_text(json.dumps(record, indent=1), "utf-8")
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for name, points in curves.items():
        axes.plot([one.p for one in points], [one.coverage for one in points], label=name)
    axes.axhline(COVERAGE_BAR, color="grey", linewidth=0.8, linestyle=":")
    axes.axvline(COVERED, color="grey", linewidth=0.8, linestyle=":")
    axes.set_xlabel("p: an accepted document is exactly right with this probability at least")
    axes.set_ylabel("documents accepted")
    axes.set_ylim(0, 1)
    axes.legend()
    figure.tight_layout()
    figure.savefig(kept / "coverage.png", dpi=150)


def _report(curves: dict[str, list[Point]]) -> bool:
    worst, best = 0.0, 0.0
    for name, points in curves.items():
        corpus_and_size = name.replace(" ", "_")
        for point in points:
            if point.p in JUDGED:
                worst = max(worst, point.violations)
                figure = f"{corpus_and_size}_{point.p:.2f}"
                _print(f"{figure}_violations", point.violations, None, True)
                accepting = point.broken / point.accepting if point.accepting else 0.0
                _print(f"{figure}_violations_where_accepting", accepting, None, True)
                _print(f"{figure}_accepting", point.accepting / DRAWS, None, True)
            if point.p in (*JUDGED, 0.8):
                _print(f"{corpus_and_size}_{point.p:.2f}_coverage", point.coverage, None, True)
            if point.p == COVERED:
                best = max(best, point.coverage)
    kept = _print("violations", worst, VIOLATIONS_BAR, worst <= VIOLATIONS_BAR)
    return _print("coverage", best, COVERAGE_BAR, best >= COVERAGE_BAR) and kept


def _print(name: str, value: float, bar: float | None, ok: bool) -> bool:
    record = {"name": name, "value": round(value, 4), "bar": bar, "unit": "share", "ok": ok}
    print(json.dumps(record), flush=True)
    return ok


def _flat(groups: list[list[GoldDocument]]) -> list[GoldDocument]:
    return [document for group in groups for document in group]


if __name__ == "__main__":
    sys.exit(main())
