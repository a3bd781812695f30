"""Bootstrap intervals of each label's scores, and of what they differ by between two versions.

Documents are resampled, not entities (see scoring.py), the same ones for every label. All counts
of a document stand side by side in one integer, so that one sum adds them all.
"""

import random
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ml_backend.contract.entity import Entity
from ml_backend.contract.scoring import Interval

Outcome = Mapping[str, Sequence[int]]
"""What became of one document: label → right, predicted and gold entities."""

RESAMPLES = 1000
LEVEL = 0.95
_BYTES = 4  # of one count: 4·10⁹ entities fit


@dataclass(frozen=True, slots=True)
class ScoreIntervals:
    """95 % intervals of one label's scores, or of their differences."""

    precision: Interval
    recall: Interval
    f1: Interval

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "ScoreIntervals":
        return cls(*(Interval(**record[name]) for name in ("precision", "recall", "f1")))


@dataclass(frozen=True, slots=True)
class LabelIntervals:
    """Of all entities, and of each label that occurs."""

    micro: ScoreIntervals
    per_label: dict[str, ScoreIntervals]

    def to_dict(self) -> dict[str, Any]:
        per_label = {label: each.to_dict() for label, each in self.per_label.items()}
        return {"micro": self.micro.to_dict(), "per_label": per_label}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "LabelIntervals":
        per_label = record["per_label"].items()
        return cls(
            ScoreIntervals.from_dict(record["micro"]),
            {label: ScoreIntervals.from_dict(each) for label, each in per_label},
        )


def outcome(gold: Iterable[Entity], predicted: Iterable[Entity]) -> dict[str, list[int]]:
    """What became of one document, by the strict measure."""
    wanted, found = ({entity.key for entity in each} for each in (gold, predicted))
    counts = [Counter(label for _, _, label in keys) for keys in (wanted & found, found, wanted)]
    return {label: [count[label] for count in counts] for label in sorted(counts[1] | counts[2])}


def label_intervals(outcomes: Sequence[Outcome], *, seed: int = 0) -> LabelIntervals:
    """The percentile intervals of precision, recall and F1."""
    return _intervals([outcomes], lambda scores: scores[0], seed)


def label_differences(
    first: Sequence[Outcome], second: Sequence[Outcome], *, seed: int = 0
) -> LabelIntervals:
    """The percentile intervals of the second's scores less the first's, document by document.

    Raises ValueError when the two have different numbers of documents.
    """
    if len(first) != len(second):
        raise ValueError(f"expected outcomes of {len(first)} documents, got {len(second)}")
    return _intervals(
        [first, second], lambda scores: tuple(b - a for a, b in zip(*scores, strict=True)), seed
    )


Scores3 = tuple[float, ...]  # precision, recall, F1


def _intervals(
    models: Sequence[Sequence[Outcome]], statistic: Callable[[list[Scores3]], Scores3], seed: int
) -> LabelIntervals:
    labels = sorted({label for outcomes in models for one in outcomes for label in one})
    documents = [_pack(labels, both) for both in zip(*models, strict=True)]
    width = 3 * len(models)

    def statistics(total: int) -> list[Scores3]:
        """Of all entities first, then of each label."""
        counts = _unpack(total, width * len(labels))
        rows = [counts[at : at + width] for at in range(0, len(counts), width)]
        whole = [sum(column) for column in zip(*rows, strict=True)] or [0] * width
        return [
            statistic([_scores(*row[at : at + 3]) for at in range(0, width, 3)])
            for row in (whole, *rows)
        ]

    estimate = statistics(sum(documents))
    rng = random.Random(seed)
    drawn = [
        statistics(sum(rng.choices(documents, k=len(documents)))) if documents else estimate
        for _ in range(RESAMPLES if documents else 1)
    ]
    found = [
        ScoreIntervals(
            *(
                _interval(sorted(values[row][score] for values in drawn), estimate[row][score])
                for score in range(3)
            )
        )
        for row in range(len(labels) + 1)
    ]
    return LabelIntervals(found[0], dict(zip(labels, found[1:], strict=True)))


def _interval(values: list[float], estimate: float) -> Interval:
    tail = (1 - LEVEL) / 2
    last = len(values) - 1
    return Interval(values[round(tail * last)], estimate, values[round((1 - tail) * last)])


def _scores(right: int, predicted: int, gold: int) -> Scores3:
    """A ratio over nothing is 0, as in scoring.py."""
    return (
        right / predicted if predicted else 0.0,
        right / gold if gold else 0.0,
        2 * right / (predicted + gold) if predicted + gold else 0.0,
    )


def _pack(labels: Sequence[str], outcomes: Sequence[Outcome]) -> int:
    nothing = (0, 0, 0)
    counts = array("I")
    for label in labels:
        for one in outcomes:
            counts.extend(one.get(label, nothing))
    return int.from_bytes(counts.tobytes(), sys.byteorder)


def _unpack(total: int, fields: int) -> list[int]:
    counts = array("I")
    counts.frombytes(total.to_bytes(_BYTES * fields, sys.byteorder))
    return counts.tolist()
