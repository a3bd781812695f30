"""What a tagger is worth, in full: scores, intervals, mistakes, reach, calibration."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from ml_backend.contract.label_intervals import LabelIntervals, label_intervals, outcome
from ml_backend.contract.scoring import (
    Counts,
    Interval,
    Scores,
    bootstrap,
    paired_bootstrap,
    score,
)
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.training.evaluate import looked_for
from ml_backend.training.mistakes import Mistakes, mistakes
from ml_backend.training.reach import Reach
from ml_backend.training.reliability import (
    Readings,
    Reliability,
    document_outcomes,
    reliability,
    span_outcomes,
)


@dataclass(frozen=True, slots=True)
class Macro:
    """Means over the labels that occur in gold; 0 when none does."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Report:
    """One tagger on one set of gold documents."""

    documents: int
    scores: Scores
    macro: Macro
    interval: Interval  # of the micro F1, 95 %
    intervals: LabelIntervals
    mistakes: Mistakes
    reach: Reach
    spans: Reliability
    whole: Reliability  # of documents

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for machines."""
        return {
            "documents": self.documents,
            "micro": self.scores.micro.to_dict(),
            "macro": asdict(self.macro),
            "per_label": {label: c.to_dict() for label, c in self.scores.per_label.items()},
            "micro_f1_interval": asdict(self.interval),
            "intervals": self.intervals.to_dict(),
            "mistakes": self.mistakes.to_dict(),
            "reach": self.reach.to_dict(),
            "calibration": {"spans": self.spans.to_dict(), "documents": self.whole.to_dict()},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same gold; the interval is of the second's micro F1 less the first's."""

    first: str
    second: str
    first_f1: float
    second_f1: float
    difference: Interval

    @property
    def decided(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.difference.low > 0 or self.difference.high < 0

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "decided": self.decided}


def report(documents: Sequence[GoldDocument], readings: Readings, reach: Reach) -> Report:
    """Judge a tagger's readings of documents, one each, in the same order.

    Predictions of labels that nobody looked for in a document do not count as wrong.
    """
    gold = [document.entities for document in documents]
    predicted = looked_for(documents, readings)
    scores = score(gold, predicted)
    return Report(
        len(documents),
        scores,
        _macro(scores),
        bootstrap(gold, predicted),
        label_intervals([outcome(*pair) for pair in zip(gold, predicted, strict=True)]),
        mistakes(gold, predicted),
        reach,
        reliability(span_outcomes(documents, readings)),
        reliability(document_outcomes(documents, readings)),
    )


def compare(
    documents: Sequence[GoldDocument], models: Sequence[tuple[str, Readings]]
) -> list[Comparison]:
    """Every two of the named models, by the paired bootstrap over documents."""
    gold = [document.entities for document in documents]
    predicted = {name: looked_for(documents, readings) for name, readings in models}
    f1 = {name: score(gold, entities).micro.f1 for name, entities in predicted.items()}
    return [
        Comparison(one, other, f1[one], f1[other], paired_bootstrap(gold, first, second))
        for (one, first), (other, second) in combinations(predicted.items(), 2)
    ]


def _macro(scores: Scores) -> Macro:
    counts: list[Counts] = [each for each in scores.per_label.values() if each.support]
    most = max(len(counts), 1)
    return Macro(
        sum(each.precision for each in counts) / most,
        sum(each.recall for each in counts) / most,
        sum(each.f1 for each in counts) / most,
    )
