"""How far probabilities are from frequencies: calibration error, log-loss, reliability."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.curves import EDGE, Probabilities
from ml_backend.tagger.document_confidence import Reading

BINS = 15
_FOLDS = 5

Readings = Sequence[Reading]
R = TypeVar("R", bound=Reading)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What was said with which probability, and whether it was right; all of shape (said,)."""

    probabilities: Probabilities
    right: NDArray[np.bool_]
    groups: NDArray[np.int64]  # number of the duplicate group that it was said about

    def __len__(self) -> int:
        return len(self.right)

    def chosen(self, which: NDArray[np.bool_]) -> "Outcomes":
        """Those of a mask."""
        return Outcomes(self.probabilities[which], self.right[which], self.groups[which])

    def folds(self) -> NDArray[np.int64]:
        """The part of five that each is in, (said,); what was said about one duplicate group
        stays together."""
        groups = sorted(set(self.groups.tolist()))
        random.Random(0).shuffle(groups)
        fold_of = np.zeros(max(groups, default=-1) + 1, np.int64)
        fold_of[groups] = np.arange(len(groups)) % _FOLDS
        result: NDArray[np.int64] = fold_of[self.groups]
        return result


@dataclass(frozen=True, slots=True)
class Bin:
    """A part of what was said, by rising probability."""

    count: int
    probability: float  # the mean that was said
    frequency: float  # the share that was right


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of one kind of statement: bins of equal mass, their error, and the log-loss in nats."""

    count: int
    expected_calibration_error: float
    log_loss: float
    bins: list[Bin]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def span_outcomes(documents: Sequence[GoldDocument], readings: Readings) -> Outcomes:
    """Each predicted entity: right when gold holds it. Labels nobody looked for are left out."""
    said = [
        (entity.probability or 0.0, entity.key in keys, document.group)
        for document, reading in zip(documents, readings, strict=True)
        for keys in [{entity.key for entity in document.entities}]
        for entity in reading.entities
        if entity.label not in document.missing
    ]
    return _outcomes(said)


def document_outcomes(documents: Sequence[GoldDocument], readings: Readings) -> Outcomes:
    """Each document: right when its entities are exactly gold's; of `wholly_annotated` ones."""
    said = [
        (
            reading.confidence,
            {e.key for e in reading.entities} == {e.key for e in document.entities},
            document.group,
        )
        for document, reading in wholly_annotated(documents, readings)
    ]
    return _outcomes(said)


def wholly_annotated(
    documents: Sequence[GoldDocument], readings: Sequence[R]
) -> Iterator[tuple[GoldDocument, R]]:
    """Documents with their readings, but those that were not annotated with every label, and
    empty ones, of which nothing can be wrong."""
    for document, reading in zip(documents, readings, strict=True):
        if document.text and not document.missing:
            yield document, reading


def reliability(outcomes: Outcomes, bins: int = BINS) -> Reliability:
    """Bins of equal mass, the expected calibration error over them, and the log-loss.

    The error is the mean distance of probability and frequency, weighted by the bins' counts
    (Naeini et al. 2015; equal mass as in Nguyen and O'Connor 2015); 0 where nothing was said.
    """
    order = np.argsort(outcomes.probabilities, kind="stable")
    parts = np.array_split(order, min(bins, len(order))) if len(order) else []
    found = [
        Bin(
            len(part),
            float(outcomes.probabilities[part].mean()),
            float(outcomes.right[part].mean()),
        )
        for part in parts
    ]
    distances = [each.count * abs(each.probability - each.frequency) for each in found]
    error = sum(distances) / len(outcomes) if found else 0.0
    return Reliability(len(outcomes), error, log_loss(outcomes), found)


def log_loss(outcomes: Outcomes) -> float:
    """The mean of -log of the probability that was given to what came true; 0 for nothing."""
    if not len(outcomes):
        return 0.0
    said = np.clip(outcomes.probabilities, EDGE, 1 - EDGE)
    return float(-np.where(outcomes.right, np.log(said), np.log1p(-said)).mean())


def _outcomes(said: Sequence[tuple[float, bool, str]]) -> Outcomes:
    numbers: dict[str, int] = {}
    return Outcomes(
        np.array([probability for probability, _, _ in said], np.float64),
        np.array([right for _, right, _ in said], np.bool_),
        np.array([numbers.setdefault(group, len(numbers)) for _, _, group in said], np.int64),
    )
