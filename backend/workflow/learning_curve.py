"""How F1 grows with gold: what more documents will bring, and how many a target needs.

F1(n) = a − b·n^(−c) is the usual form of learning curves (Viering and Loog 2022,
arXiv:2103.10948). No single curve is fitted: every curve of a grid (how much is still to be gained,
how fast, how widely versions scatter) is weighed by its prior and by how well it goes through the
versions, its level in closed form, and a forecast is the mixture of them all. It speaks of the F1
that a *version* will measure, so that its range holds the scatter of versions too. What the form
gets wrong is allowed for on both sides: a point counts the less the smaller it was against the
newest, and the range widens with each doubling beyond it. The constants were chosen on curves of
kmounlp and klp2016 and tried on others: see benchmarks/forecast.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

LEAST_SIZES = 3  # different numbers of documents, below which nothing is forecast
FARTHEST = 100  # times the documents of the largest version: nothing is said of more
MORE = (100, 500, 1000)  # documents
TAIL = 0.1  # of the chance on either side of a range: it holds four of five outcomes

_SCATTER = 0.008  # standard deviation of the F1 of versions that differ by their seed alone
_SAMPLED = 0.3  # how much of the sampling error of the gold that judges differs between versions
_TYPICAL_EXPONENT, _EXPONENT_SPREAD = 0.5, 0.6  # median, and deviation of the logarithm
_SCATTER_SPREAD = 0.5  # deviation of the logarithm of how widely a project's versions scatter
_OLD = 0.02  # error of the form a doubling before the newest point
_BEYOND = 0.01  # error of the form a doubling beyond it
_UNKNOWN_SUPPORT = 300  # entities

_GAINS = np.linspace(0, 1, 41) ** 2  # of F1, denser where little is to be gained
_GAIN_PRIOR = 2 * np.linspace(0, 1, 41) + 1e-3  # even over F1
_EXPONENTS = np.geomspace(0.08, 3, 24)
_EXPONENT_PRIOR = np.exp(-((np.log(_EXPONENTS / _TYPICAL_EXPONENT) / _EXPONENT_SPREAD) ** 2) / 2)
_STEPS = np.linspace(-2, 2, 5)
_SCALES = np.exp(_SCATTER_SPREAD * _STEPS)
_SCALE_PRIOR = np.exp(-(_STEPS**2) / 2)
_NEGLIGIBLE = 1e-7  # weight of a curve
_SIZES = 161  # between the last version and the farthest


@dataclass(frozen=True, slots=True)
class Point:
    """A version: documents that it learned from, its F1, and gold entities that this rests on."""

    documents: int
    f1: float
    support: int = _UNKNOWN_SUPPORT


@dataclass(frozen=True, slots=True)
class Range:
    """The middle, and what lies below and above with a chance of `TAIL` each."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Brought:
    """The F1 to be expected from so many documents; `gain` is over that of the last size."""

    more: int
    documents: int
    f1: Range
    gain: float


@dataclass(frozen=True, slots=True, eq=False)
class LearningCurve:
    """The curves that may be the project's; arrays are of shape (curves,).

    A curve is `level + gain · (1 − (documents / last)^(−exponent))`; `level`, the F1 at the last
    version's documents, is known up to `doubt`, a variance.
    """

    last: int
    scatter: float  # variance of a version's F1, times the square of `scales`
    weights: Array
    gains: Array
    exponents: Array
    scales: Array
    level: Array
    doubt: Array

    def f1(self, documents: float) -> Range:
        """What a version that learned from so many documents will measure."""
        mean, deviation = self._at(np.array([documents], dtype=float))

        def quantile(chance: float) -> float:
            low, high = 0.0, 1.0
            for _ in range(30):
                middle = (low + high) / 2
                below = float(self.weights @ ndtr((middle - mean[:, 0]) / deviation[:, 0]))
                low, high = (middle, high) if below < chance else (low, middle)
            return low

        return Range(quantile(TAIL), quantile(0.5), quantile(1 - TAIL))

    def chances(self, target: float) -> tuple[Array, Array]:
        """Sizes from the last version's to the farthest, and the chance that a version of one of
        them, or of fewer documents, measures the target: both of shape (sizes,)."""
        sizes = np.geomspace(self.last, FARTHEST * self.last, _SIZES)
        mean, deviation = self._at(sizes)
        found = self.weights @ ndtr((mean - target) / deviation)
        return sizes, np.maximum.accumulate(found)

    def _at(self, documents: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of a version's F1: (curves, sizes)."""
        times = documents / self.last
        form = 1 - times[None, :] ** -self.exponents[:, None]
        mean = self.level[:, None] + self.gains[:, None] * form
        variance = (self.doubt + self.scatter * self.scales**2)[:, None]
        return np.clip(mean, 0, 1), np.sqrt(variance + (_BEYOND * np.log2(times)[None, :]) ** 2)


def learning_curve(points: Sequence[Point]) -> LearningCurve | None:
    """Weigh all curves by the points; None where they have too few sizes to tell."""
    return _learning_curve(tuple(point for point in points if point.documents > 0))


def brought(points: Sequence[Point], more: Sequence[int] = MORE) -> list[Brought]:
    """What so many more documents than the largest version learned from would bring.

    Empty where the versions have too few different sizes to tell.
    """
    curve = learning_curve(points)
    if curve is None:
        return []
    now = curve.f1(curve.last).middle
    found = []
    for each in more:
        f1 = curve.f1(curve.last + each)
        found.append(Brought(each, curve.last + each, f1, f1.middle - now))
    return found


@lru_cache(maxsize=256)
def _learning_curve(points: tuple[Point, ...]) -> LearningCurve | None:
    if len({point.documents for point in points}) < LEAST_SIZES:
        return None
    sizes = np.array([point.documents for point in points], dtype=float)
    f1 = np.array([point.f1 for point in points])
    last = sizes.max()
    gains, exponents, scales = (
        grid.ravel() for grid in np.meshgrid(_GAINS, _EXPONENTS, _SCALES, indexing="ij")
    )
    prior = np.einsum("i,j,k->ijk", _GAIN_PRIOR, _EXPONENT_PRIOR, _SCALE_PRIOR).ravel()
    scatter = _scatter(points)
    variance = scatter * scales[:, None] ** 2 + (_OLD * np.log2(last / sizes)) ** 2
    rest = f1 - gains[:, None] * (1 - (sizes / last) ** -exponents[:, None])  # (curves, points)
    doubt = 1 / (1 / variance).sum(axis=1)
    level = doubt * (rest / variance).sum(axis=1)
    misfit = ((rest - level[:, None]) ** 2 / variance).sum(axis=1)
    likelihood = (np.log(doubt) - np.log(variance).sum(axis=1) - misfit) / 2
    below_one = ndtr((1 - gains - level) / np.sqrt(doubt))  # no curve ends above an F1 of 1
    weights = prior * below_one * np.exp(likelihood - likelihood.max())
    weights /= weights.sum()
    kept = weights > _NEGLIGIBLE
    return LearningCurve(
        int(last),
        float(scatter[int(np.argmax(sizes))]),
        weights[kept] / weights[kept].sum(),
        *(values[kept] for values in (gains, exponents, scales, level, doubt)),
    )


def _scatter(points: Sequence[Point]) -> Array:
    """The variance of each version's F1 about its curve, as it mostly is.

    Versions are judged on the same gold, so that little of its sampling error differs between
    them; what a version was judged on less of does.
    """
    f1 = np.clip([point.f1 for point in points], 0.05, 0.95)
    support = np.array([max(1, point.support) for point in points], dtype=float)
    sampled = f1 * (1 - f1)
    own = np.clip(1 / support - 1 / support.max(), 0, None)
    found: Array = _SCATTER**2 + sampled * (_SAMPLED / support + own)
    return found
