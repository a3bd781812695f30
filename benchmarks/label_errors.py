"""How soon a review of doubtful gold meets errors that were put into it: 4,000 documents a corpus.

Five in a hundred gold entities are made wrong, a quarter each by taking one away (missed), drawing
one where there is none (spurious), moving a boundary, and another label. Then the doubts job reads
all of it out of fold, and the queue is walked from its beginning until as many places were looked
at as a tenth of the gold entities. An error is found when a place of the queue touches it. What the
corpora themselves have wrong counts as looked at for nothing.

Prints a JSON line a corpus: the share that is found, its 95 % interval over the seeds so far,
the share of each kind, and the share of documents that a person would have opened. Finished
trainings stay in a folder, so that a run which was broken off goes on:

    python benchmarks/label_errors.py [--corpora FOLDER] [--kept FOLDER] [--seeds N] [--folds N]
"""

import argparse
import json
import random
import statistics
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scipy.stats import t as student

from backend.workflow.doubts.rank import Ranked, rank
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.messages import DoubtsRequest, JobFolder, read_jsonl
from ml_backend.contract.pairing import Kind
from ml_backend.contract.snapshot import GoldDocument, write_snapshot
from ml_backend.training.doubts import find_doubts
from ml_backend.training.files import read_gold

CORPORA = ("kmounlp", "cluener")
DOCUMENTS = 4000
KINDS = (Kind.MISSED, Kind.SPURIOUS, Kind.BOUNDARY, Kind.LABEL)
WRONG, LOOKED_AT = 0.05, 0.1  # shares of the gold entities
BAR = 0.65
OPTIONS = {
    "epochs": 1,
    "min_steps": 600,
    "max_steps": 600,
    "looks": 3,
    "batch_documents": 16,
    "most_batch_documents": 16,
}


@dataclass(frozen=True)
class Mistake:
    """An error that was put into a document: what it touches there."""

    document: str
    start: int
    end: int
    kind: Kind


def main() -> int:
    """Run what is not there yet, corpus by corpus and seed by seed; 1 when a bar is missed."""
    options = _options()
    status = 0
    found: dict[str, list[dict[str, float]]] = {corpus: [] for corpus in CORPORA}
    for seed in range(1, options.seeds + 1):
        for corpus in CORPORA:
            documents, labels = _read(options.corpora / f"{corpus}-train.jsonl")
            damaged, mistakes = damage(documents, labels, seed=seed)
            folder = options.kept / f"{corpus}-{seed}-{options.folds}"
            _find(folder, damaged, labels, options.folds, seed)
            queue = rank(read_jsonl(JobFolder(folder).doubts))
            found[corpus].append(_measure(queue, damaged, mistakes))
            print(_line(corpus, found[corpus]), flush=True)
    for its in found.values():
        status |= statistics.mean(one["found"] for one in its) < BAR
    return status


def damage(
    documents: Sequence[GoldDocument], labels: Sequence[str], *, seed: int
) -> tuple[list[GoldDocument], list[Mistake]]:
    """The documents with their share of mistakes, one a document at most; and the mistakes."""
    rng = random.Random(seed)
    wanted = round(WRONG * sum(len(one.entities) for one in documents))
    shares = Counter(entity.label for one in documents for entity in one.entities)
    mistakes: list[Mistake] = []
    damaged = list(documents)
    places = [at for at, one in enumerate(documents) if one.entities]
    for at in rng.sample(places, len(places)):
        if len(mistakes) == wanted:
            break
        kind = KINDS[len(mistakes) % len(KINDS)]
        made = _damaged(rng, documents[at], kind, shares)
        if made is not None:
            damaged[at], mistake = made
            mistakes.append(mistake)
    return damaged, mistakes


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--kept", type=Path, default=Path(".goldloop/benchmarks/label_errors"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, default=5)
    return parser.parse_args()


def _read(path: Path) -> tuple[list[GoldDocument], list[str]]:
    gold = read_gold([path])
    groups = {document.group: document for document in gold.documents}
    one_each = [groups[key] for key in sorted(groups)]
    random.Random(11).shuffle(one_each)
    return one_each[:DOCUMENTS], gold.labels()


def _damaged(
    rng: random.Random, document: GoldDocument, kind: Kind, shares: Counter[str]
) -> tuple[GoldDocument, Mistake] | None:
    """A document with one mistake of a kind; None where it has no room for one."""
    text, entities = document.text, document.entities
    entity = rng.choice(entities)
    others = [one for one in entities if one is not entity]
    if kind == Kind.MISSED:
        changed, touched = others, entity
    elif kind == Kind.SPURIOUS:
        drawn = _drawn(rng, text, entities, shares)
        if drawn is None:
            return None
        changed, touched = [*entities, drawn], drawn
    elif kind == Kind.LABEL:
        names = [label for label in shares if label != entity.label]
        label = rng.choices(names, [shares[name] for name in names])[0]
        touched = Entity(entity.start, entity.end, label)
        changed = [*others, touched]
    else:
        moved = _moved(rng, text, entity, others)
        if moved is None:
            return None
        touched, changed = moved, [*others, moved]
    mistake = Mistake(document.id, touched.start, touched.end, kind)
    return replace(document, entities=sorted(changed)), mistake


def _drawn(
    rng: random.Random, text: str, entities: Sequence[Entity], shares: Counter[str]
) -> Entity | None:
    """An entity as long as those there are, where there is none."""
    taken = {at for one in entities for at in range(one.start, one.end)}
    like = rng.choice(entities)
    length = like.end - like.start
    free = [
        at
        for at in range(len(text) - length + 1)
        if not taken & set(range(at, at + length)) and text[at : at + length].strip()
    ]
    if not free:
        return None
    start = rng.choice(free)
    return Entity(start, start + length, rng.choices(list(shares), list(shares.values()))[0])


def _moved(
    rng: random.Random, text: str, entity: Entity, others: Sequence[Entity]
) -> Entity | None:
    """The entity with one edge a character or two further in or out."""
    moves = [(by, 0) for by in (-2, -1, 1, 2)] + [(0, by) for by in (-2, -1, 1, 2)]
    rng.shuffle(moves)
    for left, right in moves:
        start, end = entity.start + left, entity.end + right
        if 0 <= start < end <= len(text):
            moved = Entity(start, end, entity.label)
            if not any(moved.overlaps(other) for other in others):
                return moved
    return None


def _find(
    folder: Path, documents: Sequence[GoldDocument], labels: Sequence[str], folds: int, seed: int
) -> None:
    """Have a doubts job read the documents, unless it has."""
    job = JobFolder(folder)
    if job.result() is None:
        ordered = sorted(documents, key=lambda one: one.id)
        write_snapshot(job.snapshot, {"train": ordered}, LabelSet(tuple(labels)))
        job.write_request(DoubtsRequest("benchmark", folds=folds, seed=seed, config=OPTIONS))
        find_doubts(str(folder))


def _measure(
    queue: Sequence[Ranked], documents: Sequence[GoldDocument], mistakes: Sequence[Mistake]
) -> dict[str, float]:
    length = round(LOOKED_AT * sum(len(one.entities) for one in documents))
    seen = queue[:length]
    kinds = Counter(one.kind for one in mistakes)
    found = [one for one in mistakes if _met(one, seen)]
    by_kind = Counter(one.kind for one in found)
    told = Counter(one.kind for one in found if one.kind in _met(one, seen))
    return {
        "found": len(found) / len(mistakes),
        "kind_told": sum(told.values()) / max(1, len(found)),
        "documents_opened": len({one.place.document for one in seen}) / len(documents),
        "mistakes": len(mistakes),
        "queue": len(queue),
        **{f"found_{kind}": by_kind[kind] / kinds[kind] for kind in KINDS},
    }


def _met(mistake: Mistake, seen: Sequence[Ranked]) -> list[Kind]:
    """The kinds of the places that touch a mistake."""
    return [
        one.place.kind
        for one in seen
        if one.place.document == mistake.document
        and one.place.span[0] < mistake.end
        and mistake.start < one.place.span[1]
    ]


def _line(corpus: str, found: Sequence[dict[str, float]]) -> str:
    values = [one["found"] for one in found]
    mean = statistics.mean(values)
    half = 0.0
    if len(values) > 1:
        deviation = statistics.stdev(values) / len(values) ** 0.5
        half = float(student.ppf(0.975, len(values) - 1)) * deviation
    record = {
        "name": f"label_errors_{corpus}",
        "value": round(mean, 4),
        "bar": BAR,
        "unit": "share of injected errors in the first tenth",
        "ok": mean >= BAR,
        "low": round(mean - half, 4),
        "high": round(mean + half, 4),
        "seeds": len(values),
        **{name: round(statistics.mean(one[name] for one in found), 4) for name in found[0]},
    }
    return json.dumps(record)


if __name__ == "__main__":
    sys.exit(main())
