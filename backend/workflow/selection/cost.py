"""The cost model: how many seconds a person needs for a document.

    seconds = pace of the annotator x (document + character n + entity e + edit c)

for n code points, e entities in the end and c edits on the way. Label Studio's `lead_time` is what
it is fitted to, with heavy tails on one side: people go for coffee. So the fit is in logarithms
and robust (soft L1), and each number is drawn to its default as far as there is little to learn
from: with no documents at all the defaults are the model.

The defaults: 5.39 seconds an edit is what Haertel et al. (2008, assessing the costs of sampling
methods) measured for a correction; reading takes 0.07 seconds a character, between the silent
reading of alphabets and that of Chinese and Japanese (Trauzettel-Klosinski and Dietz 2012); 3
seconds a document and 1 an entity, to open the one and to look at the other, are assumed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import least_squares

Seconds = NDArray[np.float64]

LEAST_SECONDS, MOST_SECONDS = 0.5, 3600.0  # a lead time beyond them tells of no work
TOLERANCE = 0.5  # of a logarithm: further away is taken for an interruption
DOUBT_OF_DEFAULTS = 1.5  # standard deviation of the logarithm of a number around its default
DOUBT_OF_PACE = 0.5  # the same of an annotator's pace around 1


@dataclass(frozen=True, slots=True)
class Effort:
    """What one document cost one annotator."""

    annotator: int
    length: int  # code points
    entities: int  # in the end
    edits: int  # entities added, removed, moved or relabelled on the way there
    seconds: float


@dataclass(frozen=True, slots=True)
class CostModel:
    """Seconds by what there is to read, to look at and to do. `paces` are around 1, the slow above.

    `spread` is the median of |log(needed / expected)| over the `documents` it was fitted to.
    """

    document: float = 3.0
    character: float = 0.07
    entity: float = 1.0
    edit: float = 5.39
    paces: Mapping[int, float] = field(default_factory=dict)
    documents: int = 0
    spread: float | None = None

    def seconds(
        self,
        lengths: ArrayLike,
        entities: ArrayLike,
        edits: ArrayLike,
        annotator: int | None = None,
    ) -> Seconds:
        """Of each document, for a person of middling pace or for one annotator: (n,) x 3 -> (n,)

        Entities and edits may be expected numbers. Who was never seen is of middling pace.
        """
        work = (
            self.document
            + self.character * np.asarray(lengths, dtype=np.float64)
            + self.entity * np.asarray(entities, dtype=np.float64)
            + self.edit * np.asarray(edits, dtype=np.float64)
        )
        return np.asarray(work * (1.0 if annotator is None else self.paces.get(annotator, 1.0)))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"paces": {str(key): pace for key, pace in self.paces.items()}}


DEFAULTS = CostModel()


def fit(efforts: Iterable[Effort]) -> CostModel:
    """The cost model of a project; `DEFAULTS` where nothing was timed."""
    timed = [one for one in efforts if LEAST_SECONDS <= one.seconds <= MOST_SECONDS]
    if not timed:
        return DEFAULTS
    people = sorted({one.annotator for one in timed})
    place = {annotator: number for number, annotator in enumerate(people)}
    who = np.array([place[one.annotator] for one in timed])
    work = np.array([(1, one.length, one.entities, one.edits) for one in timed], dtype=np.float64)
    needed = np.log([one.seconds for one in timed])
    default = np.log([DEFAULTS.document, DEFAULTS.character, DEFAULTS.entity, DEFAULTS.edit])

    def residuals(away: Seconds) -> Seconds:
        expected = np.log(work @ np.exp(default + away[:4])) + away[4:][who]
        return np.concatenate(((needed - expected) / TOLERANCE, _doubts(away)))

    def slopes(away: Seconds) -> Seconds:
        parts = work * np.exp(default + away[:4])
        paces = np.eye(len(people))[who]
        known = np.hstack((parts / parts.sum(1, keepdims=True), paces)) / -TOLERANCE
        return np.concatenate((known, np.diag(_doubts(np.ones_like(away)))))

    def robust(squares: Seconds) -> Seconds:
        """Soft L1 of the documents, plain squares of the doubts: value, slope, curvature."""
        root = np.sqrt(1 + squares)
        found = np.stack((2 * (root - 1), 1 / root, -0.5 / root**3))  # (3, documents + numbers)
        found[0, len(timed) :] = squares[len(timed) :]
        found[1, len(timed) :], found[2, len(timed) :] = 1, 0
        return found

    start = np.zeros(4 + len(people))
    away = least_squares(residuals, start, jac=slopes, loss=robust, tr_solver="lsmr").x
    document, character, entity, edit = np.exp(default + away[:4]).tolist()
    spread = np.median(np.abs(residuals(away)[: len(timed)])) * TOLERANCE
    return CostModel(
        document,
        character,
        entity,
        edit,
        dict(zip(people, np.exp(away[4:]).tolist(), strict=True)),
        len(timed),
        float(spread),
    )


def expected_edits(probabilities: Sequence[float], expected_entities: float) -> float:
    """Edits that a prediction will need: what is likely wrong in it, and what it likely misses.

    `probabilities` are those of the predicted entities, `expected_entities` how many there are by
    the marginals.
    """
    surely = sum(probabilities)
    return len(probabilities) - surely + max(0.0, expected_entities - surely)


def _doubts(away: Seconds) -> Seconds:
    return np.concatenate((away[:4] / DOUBT_OF_DEFAULTS, away[4:] / DOUBT_OF_PACE))
