"""The one metric: strict entity-level precision, recall and F1 on the original offsets.

A predicted entity is right when start, end and label are those of a gold entity of the same
text. A span predicted twice counts once. Intervals come from resampling documents, not entities,
because the entities of one document are not independent.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml_backend.contract.entity import Entity

_FIELD = 40  # bits of one count in a packed document: 10^12 entities fit

Documents = Sequence[Sequence[Entity]]


@dataclass(frozen=True, slots=True)
class Counts:
    """Right, predicted and gold entities. A ratio over nothing is 0."""

    true_positive: int
    predicted: int
    support: int

    @property
    def precision(self) -> float:
        return self.true_positive / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.true_positive / self.support if self.support else 0.0

    @property
    def f1(self) -> float:
        return _f1(self.true_positive, self.predicted + self.support)

    def to_dict(self) -> dict[str, float]:
        return {
            "true_positive": self.true_positive,
            "predicted": self.predicted,
            "support": self.support,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Counts":
        return cls(record["true_positive"], record["predicted"], record["support"])


@dataclass(frozen=True, slots=True)
class Scores:
    """Counts over all entities, and per label that gold or prediction holds, sorted by name."""

    micro: Counts
    per_label: dict[str, Counts]

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the labels that occur in gold; 0 when none does."""
        f1 = [counts.f1 for counts in self.per_label.values() if counts.support]
        return sum(f1) / len(f1) if f1 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """As JSON, the derived figures included."""
        return {
            "micro": self.micro.to_dict(),
            "macro_f1": self.macro_f1,
            "per_label": {label: counts.to_dict() for label, counts in self.per_label.items()},
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> "Scores":
        per_label = record["per_label"].items()
        return cls(
            Counts.from_dict(record["micro"]),
            {label: Counts.from_dict(counts) for label, counts in per_label},
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """A point estimate and the bounds of its bootstrap interval."""

    low: float
    estimate: float
    high: float


def score(gold: Documents, predicted: Documents) -> Scores:
    """Score predictions against gold, document by document.

    Raises ValueError when the two have different numbers of documents.
    """
    _same_length(gold, predicted)
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    for gold_entities, predicted_entities in zip(gold, predicted, strict=True):
        gold_keys = {entity.key for entity in gold_entities}
        predicted_keys = {entity.key for entity in predicted_entities}
        wanted.update(label for _, _, label in gold_keys)
        found.update(label for _, _, label in predicted_keys)
        right.update(label for _, _, label in gold_keys & predicted_keys)
    per_label = {
        label: Counts(right[label], found[label], wanted[label])
        for label in sorted(wanted.keys() | found.keys())
    }
    return Scores(Counts(right.total(), found.total(), wanted.total()), per_label)


def bootstrap(
    gold: Documents,
    predicted: Documents,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The percentile interval of the micro F1 when documents are resampled."""
    _same_length(gold, predicted)
    documents = [_pack(*_outcome(*pair)) for pair in zip(gold, predicted, strict=True)]

    def statistic(total: int) -> float:
        right, size = _unpack(total, 2)
        return _f1(right, size)

    return _interval(documents, statistic, resamples, level, seed)


def paired_bootstrap(
    gold: Documents,
    champion: Documents,
    challenger: Documents,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The percentile interval of the challenger's micro F1 less the champion's.

    Both are scored on the same resampled documents, so what is hard for both cancels out.
    """
    _same_length(gold, champion)
    _same_length(gold, challenger)
    documents = [
        _pack(*_outcome(wanted, old), *_outcome(wanted, new))
        for wanted, old, new in zip(gold, champion, challenger, strict=True)
    ]

    def statistic(total: int) -> float:
        old_right, old_size, new_right, new_size = _unpack(total, 4)
        return _f1(new_right, new_size) - _f1(old_right, old_size)

    return _interval(documents, statistic, resamples, level, seed)


def _interval(
    documents: list[int],
    statistic: Callable[[int], float],
    resamples: int,
    level: float,
    seed: int,
) -> Interval:
    if resamples < 1 or not 0 < level < 1:
        raise ValueError(f"need resamples >= 1 and 0 < level < 1, not {resamples} and {level}")
    estimate = statistic(sum(documents))
    if not documents:
        return Interval(estimate, estimate, estimate)
    rng = random.Random(seed)
    values = sorted(
        statistic(sum(rng.choices(documents, k=len(documents)))) for _ in range(resamples)
    )
    tail = (1 - level) / 2
    return Interval(_quantile(values, tail), estimate, _quantile(values, 1 - tail))


def _quantile(values: list[float], share: float) -> float:
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)


def _outcome(gold: Sequence[Entity], predicted: Sequence[Entity]) -> tuple[int, int]:
    """Right entities, and predicted plus gold ones: all that F1 needs."""
    gold_keys = {entity.key for entity in gold}
    predicted_keys = {entity.key for entity in predicted}
    return len(gold_keys & predicted_keys), len(gold_keys) + len(predicted_keys)


def _pack(*counts: int) -> int:
    """Several counts in one integer, so that one sum adds them all."""
    return sum(count << (_FIELD * place) for place, count in enumerate(counts))


def _unpack(total: int, fields: int) -> list[int]:
    return [(total >> (_FIELD * place)) & ((1 << _FIELD) - 1) for place in range(fields)]


def _f1(right: int, size: int) -> float:
    return 2 * right / size if size else 0.0


def _same_length(gold: Documents, predicted: Documents) -> None:
    if len(gold) != len(predicted):
        raise ValueError(
            f"expected a prediction for each of {len(gold)} documents, got {len(predicted)}"
        )
