"""How F1 grows with gold: what more documents will bring, and how likely a target is.

F1(n) = a − b·n^(−c) is the usual form of learning curves (Viering and Loog 2022,
arXiv:2103.10948). No single curve is fitted: every curve of a grid (how much is still to be gained,
how fast, and how roughly the project's versions follow any such form) is weighed by its prior and
by how well it goes through the versions, its level in closed form, and a forecast is the mixture
of them all. It speaks of the F1 that a *version* will measure, so that its range holds the scatter
of versions too. What the form gets wrong wanders off from the newest version as a random walk over
doublings, into the past and into the future alike: old points count the less, and far forecasts
are the wider. Where the constants come from: see benchmarks/forecast.py.
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

_SCATTER = 0.007  # standard deviation of the F1 of versions that differ by their seed alone
_SAMPLED = 0.2  # how much of the sampling error of the gold that judges differs between versions
_WALK = 0.056  # what the form gets wrong over one doubling: part of what is missing to an F1 of 1
_ROUGHNESS_SPREAD = 0.6  # deviation of the logarithm of how a project differs in these
_TYPICAL_EXPONENT, _EXPONENT_SPREAD = 0.3, 0.5  # median, and deviation of the logarithm
_HOPE = (3.0, 1.5)  # of a Beta distribution: which part of what is missing is gained in the end
_LEAST_MISSING = 0.02  # to an F1 of 1
_UNKNOWN_SUPPORT = 300  # entities

_GAINS = np.linspace(0, 1, 41) ** 2  # of F1, denser where little is to be gained
_GAIN_PRIOR = 2 * np.linspace(0, 1, 41) + 1e-3  # even over F1
_EXPONENTS = np.geomspace(0.05, 2, 16)
_EXPONENT_PRIOR = np.exp(-((np.log(_EXPONENTS / _TYPICAL_EXPONENT) / _EXPONENT_SPREAD) ** 2) / 2)
_STEPS = np.linspace(-2.5, 2.5, 9)
_ROUGHNESS = np.exp(_ROUGHNESS_SPREAD * _STEPS)
_ROUGHNESS_PRIOR = np.exp(-(_STEPS**2) / 2)
_NEGLIGIBLE = 1e-5  # weight of a curve
_SIZES = 81  # between the last version and the farthest


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
    scatter: float  # variance of the newest version's F1, times the square of `roughness`
    walk: float  # variance of what the form gets wrong over one doubling, times the same
    weights: Array
    gains: Array
    exponents: Array
    roughness: Array
    level: Array
    doubt: Array

    def f1(self, documents: float) -> Range:
        """What a version that learned from so many documents will measure."""
        mean, deviation = self._at(np.array([documents], dtype=float))

        def quantile(chance: float) -> float:
            low, high = 0.0, 1.0
            for _ in range(20):
                middle = (low + high) / 2
                below = float(self.weights @ ndtr((middle - mean[:, 0]) / deviation[:, 0]))
                low, high = (middle, high) if below < chance else (low, middle)
            return low

        return Range(quantile(TAIL), quantile(0.5), quantile(1 - TAIL))

    def chances(self, target: float) -> tuple[Array, Array]:
        """Sizes from the last version's to the farthest, and the chance that a version of one of
        them, or of fewer documents, measures the target: both of shape (sizes,)."""
        sizes = self.last * np.geomspace(1, FARTHEST, _SIZES, dtype=np.float64)
        mean, deviation = self._at(sizes)
        found = self.weights @ ndtr((mean - target) / deviation)
        return sizes, np.maximum.accumulate(found)

    def _at(self, documents: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of a version's F1: (curves, sizes)."""
        times = documents / self.last
        form = 1 - times[None, :] ** -self.exponents[:, None]
        mean = self.level[:, None] + self.gains[:, None] * form
        wandered = self.scatter + self.walk * np.log2(times)  # (sizes,)
        variance = self.doubt[:, None] + self.roughness[:, None] ** 2 * wandered[None, :]
        return np.clip(mean, 0, 1), np.sqrt(variance)


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
    gains, exponents = (grid.ravel() for grid in np.meshgrid(_GAINS, _EXPONENTS, indexing="ij"))
    rest = f1 - gains[:, None] * (1 - (sizes / last) ** -exponents[:, None])  # (curves, points)
    scatter = _scatter(points)
    before = np.log2(last / sizes)  # doublings
    walk = float(_WALK * np.clip(1 - f1[np.argsort(sizes)[-2:]].mean(), _LEAST_MISSING, 1)) ** 2
    covariance = np.diag(scatter) + walk * np.minimum(before[:, None], before[None, :])
    whitening = np.linalg.inv(np.linalg.cholesky(covariance))
    white, ones = rest @ whitening.T, whitening.sum(axis=1)
    known = ones @ ones
    level = white @ ones / known
    misfit = ((white - level[:, None] * ones) ** 2).sum(axis=1)
    # of each curve with each roughness: (curves, roughness)
    doubt = np.broadcast_to(_ROUGHNESS**2 / known, (len(level), len(_ROUGHNESS)))
    likelihood = -misfit[:, None] / (2 * _ROUGHNESS**2) - (len(points) - 1) * np.log(_ROUGHNESS)
    below_one = ndtr((1 - gains - level)[:, None] / np.sqrt(doubt))  # no curve ends above 1
    prior = np.outer(_GAIN_PRIOR, _EXPONENT_PRIOR).ravel() * _hope(gains, level)
    weights = prior[:, None] * _ROUGHNESS_PRIOR * below_one
    weights = weights * np.exp(likelihood - likelihood.max())
    weights /= weights.sum()
    curve, rough = np.nonzero(weights > _NEGLIGIBLE)
    kept = weights[curve, rough]
    return LearningCurve(
        int(last),
        float(scatter[int(np.argmax(sizes))]),
        walk,
        kept / kept.sum(),
        gains[curve],
        exponents[curve],
        _ROUGHNESS[rough],
        level[curve],
        doubt[curve, rough],
    )


def _hope(gains: Array, level: Array) -> Array:
    """The prior of gains, by which part they are of what is missing to an F1 of 1."""
    missing = np.clip(1 - level, _LEAST_MISSING, 1)
    part = np.clip(gains / missing, 1e-4, 1 - 1e-4)
    found: Array = part ** (_HOPE[0] - 1) * (1 - part) ** (_HOPE[1] - 1) / missing
    return found


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
