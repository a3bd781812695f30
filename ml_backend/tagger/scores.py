"""The scores that selection ranks texts by, from what a version's networks believe of them.

What the numbers are is said in `PredictRequest`.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.curves import Curve
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.positions import Range
from ml_backend.tagger.sketch import SIZE as SKETCH

LEAST_EXPECTED = 1e-3  # entities of a label from which they are told

Key = tuple[int, int, str]
Chances = dict[Range, dict[str, float]]  # of a span, the likely labels' probabilities
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Examined:
    """One network's reading of a text, uncalibrated, and what it believes besides.

    `chances` are those of the reading's spans, `passes` the entities of each reading with dropout;
    expected (labels,), vector (d,), gradient (g,).
    """

    reading: Decoded
    chances: Chances
    log_probability: float
    margin: float
    characters: int
    mean_entropy: float
    max_entropy: float
    expected: Floats
    vector: Floats
    gradient: Floats
    passes: list[frozenset[Key]]

    @classmethod
    def nothing(cls, labels: int, size: int, passes: int) -> Self:
        """An empty text's."""
        expected, vector, gradient = (np.zeros(n, np.float32) for n in (labels, size, SKETCH))
        none: list[frozenset[Key]] = [frozenset()] * passes
        reading = Decoded([], 1.0, 1.0)
        return cls(reading, {}, 0.0, 1.0, 0, 0.0, 0.0, expected, vector, gradient, none)


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The likeliest other label of an entity's span, its probability calibrated as the entity's."""

    label: str
    probability: float

    def to_dict(self) -> dict[str, Any]:
        return {"label": self.label, "probability": self.probability}


@dataclass(frozen=True, slots=True)
class TextScores:
    """What one text's selection rests on; `runners_up` are those of the entities told of it."""

    log_probability: float
    characters: int
    margin: float
    mean_entropy: float
    max_entropy: float
    disagreement: float | None
    expected: dict[str, float]
    runners_up: list[RunnerUp | None]
    vector: Floats
    gradient: Floats

    def to_dict(self) -> dict[str, Any]:
        """The numbers as JSON."""
        disagreement = self.disagreement
        return {
            "log_probability": round(self.log_probability, 6),
            "characters": self.characters,
            "margin": round(self.margin, 6),
            "mean_entropy": round(self.mean_entropy, 6),
            "max_entropy": round(self.max_entropy, 6),
            "disagreement": None if disagreement is None else round(disagreement, 6),
            "expected": {label: round(number, 4) for label, number in self.expected.items()},
        }


def text_scores(
    members: Sequence[Examined], entities: Sequence[Entity], labels: LabelSet, curve: Curve
) -> TextScores:
    """A text's scores by all members of a version, of which `entities` were told.

    Numbers are the members' means, vectors stand one after the other, and gradients are added:
    each member's is projected by signs of its own. `curve` calibrates the runners-up.
    """
    expected = _mean([one.expected for one in members]).tolist()
    return TextScores(
        log_probability=math.fsum(one.log_probability for one in members) / len(members),
        characters=members[0].characters,
        margin=math.fsum(one.margin for one in members) / len(members),
        mean_entropy=math.fsum(one.mean_entropy for one in members) / len(members),
        max_entropy=math.fsum(one.max_entropy for one in members) / len(members),
        disagreement=_disagreement(members),
        expected={
            label: number
            for label, number in zip(labels, expected, strict=True)
            if number >= LEAST_EXPECTED
        },
        runners_up=_runners_up(members, entities, curve),
        vector=np.concatenate([one.vector for one in members]),
        gradient=_mean([one.gradient for one in members]) * np.float32(len(members)),
    )


def vote_entropy(votes: Sequence[frozenset[Key]]) -> float:
    """How much readings of a text disagree, in [0, 1]: the mean, over all entities that one of
    them has, of the entropy in bits of whether a reading has it; 0 where none has any.

    Vote entropy (Dagan & Engelson 1995), over entities instead of tags.
    """
    counts = Counter(key for vote in votes for key in vote)
    if not counts:
        return 0.0
    return math.fsum(_bits(count / len(votes)) for count in counts.values()) / len(counts)


def _disagreement(members: Sequence[Examined]) -> float | None:
    """Of all readings with dropout, and of the members where there are several."""
    votes = [vote for one in members for vote in one.passes]
    if len(members) > 1:
        votes += [frozenset(entity.key for entity in one.reading.entities) for one in members]
    return vote_entropy(votes) if votes else None


def _runners_up(
    members: Sequence[Examined], entities: Sequence[Entity], curve: Curve
) -> list[RunnerUp | None]:
    """By the mean over the members; one that did not find a span gives it nothing."""
    found: list[tuple[float, str] | None] = []
    for entity in entities:
        chances: Counter[str] = Counter()
        for one in members:
            chances.update(one.chances.get((entity.start, entity.end), {}))
        del chances[entity.label]
        found.append(max(((chance, label) for label, chance in chances.items()), default=None))
    raw = [one[0] / len(members) for one in found if one is not None]
    calibrated = iter(curve(np.array(raw, np.float64)).tolist()) if raw else iter(())
    return [None if one is None else RunnerUp(one[1], next(calibrated)) for one in found]


def _mean(arrays: Sequence[Floats]) -> Floats:
    return arrays[0] if len(arrays) == 1 else np.mean(arrays, axis=0, dtype=np.float32)


def _bits(share: float) -> float:
    """Entropy of something that is so or not."""
    return -sum(p * math.log2(p) for p in (share, 1 - share) if p > 0)
