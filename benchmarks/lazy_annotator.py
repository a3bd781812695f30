"""Whether somebody who signs pre-labels unread is flagged, and nobody who reads them.

Six people annotate 300 documents of a corpus each, every document by two of them as they come, a
twentieth of all blind. Pre-labels are made from the corpus' gold: of its entities some are missed,
have another boundary or another label, and some are added where there is none, so that their strict
F1 is about 0.8. Five people read everything, and each lets a wrong pre-label stand with a chance of
their own between 2 and 10 in a hundred. The lazy one accepts three wrong ones in ten unread, and is
as the others in the rest. On blind documents everybody is, and says what the version would have
said wrongly with that chance halved. All now and then lose or move an entity that was right.

The truth is made as in the product: where both say the same it is theirs, wrong pre-labels that
both let stand included; where they differ somebody decides, by the corpus. Then bias.py judges.

`power` is the share of simulations in which the lazy one is flagged, `false_flags` that in which
any of the five others is. Both are also told for fewer documents each, for a lazy one who signs
three documents in ten as a whole, and for six who all read. Prints a JSON line a figure:

    python benchmarks/lazy_annotator.py [--corpora FOLDER] [--simulations N]
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.workflow.annotators.agreement import Said, Span
from backend.workflow.annotators.bias import bias
from backend.workflow.annotators.bias_evidence import Observed
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.training.files import read_gold

CORPORA = ("kmounlp", "cluener")
DOCUMENTS = 4000  # of a corpus, from its beginning
PEOPLE, LAZY = 6, 0  # the first of them
EACH = 300  # documents a person
UNREAD = 0.3
CARELESS = (0.02, 0.10)  # chance of a wrong pre-label to stand with one who reads
SLIP = 0.02  # chance of a right entity to be lost or moved
BLIND = 0.05
WRONG = 0.16  # of the entities; half as many are added
POWER_BAR, FALSE_BAR = 0.9, 0.08


@dataclass(frozen=True)
class Case:
    """What is simulated: documents a person, and what the lazy one does."""

    name: str
    each: int = EACH
    unread: float = UNREAD
    whole: bool = False  # documents are signed as a whole


CASES = (
    Case(""),
    Case("_150_documents", each=150),
    Case("_75_documents", each=75),
    Case("_whole_documents", whole=True),
    Case("_nobody_lazy", unread=0.0),
)


def main() -> int:
    """Simulate each case on each corpus; 1 when a bar is missed."""
    options = _options()
    kept = True
    for corpus in CORPORA:
        gold = read_gold([options.corpora / f"{corpus}-train.jsonl"])
        documents, labels = gold.documents[:DOCUMENTS], gold.labels()
        for case in CASES:
            flagged = [
                simulate(documents, labels, case, seed) for seed in range(options.simulations)
            ]
            power = sum(LAZY in its for its in flagged) / len(flagged)
            honest = [{*its} - ({LAZY} if case.unread else set()) for its in flagged]
            false = sum(map(bool, honest)) / len(flagged)
            name = f"{corpus}_false_flags{case.name}"
            kept &= _print(name, false, FALSE_BAR, false <= FALSE_BAR)
            if case.unread:
                bar = None if case.name else POWER_BAR
                name = f"{corpus}_power{case.name}"
                kept &= _print(name, power, bar, bar is None or power >= bar)
    return 0 if kept else 1


def simulate(
    documents: Sequence[GoldDocument], labels: Sequence[str], case: Case, seed: int
) -> list[int]:
    """Who is flagged in one simulation."""
    rng = random.Random(f"{case.name} {seed}")
    careless = [rng.uniform(*CARELESS) for _ in range(PEOPLE)]
    observed: list[Observed] = []
    for document, pair in _work(documents, case.each, rng):
        gold = frozenset(one.key for one in document.entities)
        said = _prelabels(document, gold, labels, rng)
        blind = rng.random() < BLIND
        readings = []
        for person in pair:
            unread = case.unread if person == LAZY and not blind else 0.0
            chance = careless[person] / 2 if blind else careless[person]
            readings.append(_reading(gold, said, chance, unread, case.whole, rng))
        truth = readings[0] if readings[0] == readings[1] else gold
        observed += [
            Observed(person, blind, None, 0, reading, said, truth)
            for person, reading in zip(pair, readings, strict=True)
        ]
    return bias(observed).flagged


def _work(
    documents: Sequence[GoldDocument], each: int, rng: random.Random
) -> Iterator[tuple[GoldDocument, tuple[int, int]]]:
    """Documents with the two who annotate them; everybody comes `each` times."""
    turns = [person for person in range(PEOPLE) for _ in range(each)]
    while True:
        rng.shuffle(turns)
        pairs = list(zip(turns[::2], turns[1::2], strict=True))
        alone = [place for place, (one, other) in enumerate(pairs) if one == other]
        for place in alone:  # give one of theirs to a pair of two others
            for other, pair in enumerate(pairs):
                if pairs[place][0] not in pair and pair[0] != pair[1]:
                    mine = pairs[place][0]
                    pairs[place], pairs[other] = (mine, pair[0]), (mine, pair[1])
                    break
        if all(one != other for one, other in pairs):
            break
    yield from zip(rng.sample(list(documents), len(pairs)), pairs, strict=True)


def _prelabels(
    document: GoldDocument, gold: Said, labels: Sequence[str], rng: random.Random
) -> Said:
    """Gold with mistakes of the four kinds."""
    found: set[Span] = set()
    for start, end, label in sorted(gold):
        if rng.random() >= WRONG:
            found.add((start, end, label))
            continue
        kind = rng.randrange(3)
        if kind == 1:
            found.add((start, end, rng.choice([one for one in labels if one != label])))
        elif kind == 2:
            found.add(
                (start, min(len(document.text), end + 1) if end - start < 2 else end - 1, label)
            )
        if rng.random() < 0.5:
            at = rng.randrange(max(1, len(document.text) - 2))
            if not any(first < at + 2 and at < last for first, last, _ in gold):
                found.add((at, at + 2, rng.choice(list(labels))))
    return frozenset(found)


def _reading(
    gold: Said, said: Said, chance: float, unread: float, whole: bool, rng: random.Random
) -> Said:
    """What somebody submits: what is right but for slips, and the wrong ones that stand."""
    signed = whole and rng.random() < unread
    stood = {
        one
        for one in sorted(said - gold)
        if signed or (not whole and rng.random() < unread) or rng.random() < chance
    }
    if signed:
        return said
    right = {
        one
        for one in sorted(gold)
        if rng.random() >= SLIP and not any(a < one[1] and one[0] < b for a, b, _ in stood)
    }
    return frozenset(right | stood)


def _print(name: str, value: float, bar: float | None, ok: bool) -> bool:
    record = {"name": name, "value": round(value, 4), "bar": bar, "unit": "share", "ok": ok}
    print(json.dumps(record), flush=True)
    return ok


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--simulations", type=int, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
