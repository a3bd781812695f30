"""How F1 grows with gold: a power law through the versions made, and what more would bring.

F1(n) = a − b·n^(−c), the usual form of learning curves (Viering and Loog 2022, arXiv:2103.10948),
by weighted least squares over a grid of a and c. The range of a forecast is that of all curves
whose misfit is not significantly worse than the best one's (profile likelihood, 95 %).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

LEAST_SIZES = 3  # different numbers of documents, below which nothing is forecast
MORE = (100, 500, 1000)  # documents

_LEAST_ERROR = 0.005  # of an F1, however many documents it was measured on
_UNKNOWN_ERROR = 0.02  # of an F1 without an interval
_CHI_SQUARED = 3.84  # 95 %, one degree of freedom
_EXPONENTS = tuple(step / 20 for step in range(2, 31))  # 0.1 to 1.5
_CEILINGS = 40  # between the best F1 seen and 1


@dataclass(frozen=True, slots=True)
class Point:
    """A version: documents that it learned from, its F1, and the interval where there is one."""

    documents: int
    f1: float
    interval: tuple[float, float] | None = None

    @property
    def error(self) -> float:
        """The standard error of the F1."""
        if self.interval is None:
            return _UNKNOWN_ERROR
        low, high = self.interval
        return max(_LEAST_ERROR, (high - low) / (2 * 1.96))


@dataclass(frozen=True, slots=True)
class Forecast:
    """The F1 to be expected from so many documents; `gain` is over the last version's."""

    more: int
    documents: int
    f1: float
    low: float
    high: float
    gain: float


@dataclass(frozen=True, slots=True)
class _Curve:
    ceiling: float
    scale: float
    exponent: float
    misfit: float

    def at(self, documents: int) -> float:
        return max(0.0, self.ceiling - self.scale * math.pow(documents, -self.exponent))


def forecasts(points: Sequence[Point], more: Sequence[int] = MORE) -> list[Forecast]:
    """What so many more documents than the largest version learned from would bring.

    Empty where the versions have too few different sizes to tell.
    """
    points = [point for point in points if point.documents > 0]
    if len({point.documents for point in points}) < LEAST_SIZES:
        return []
    curves = _curves(points)
    best = min(curves, key=lambda curve: curve.misfit)
    # where no curve fits, the points vary by more than their errors say
    excess = max(1.0, best.misfit / max(1, len(points) - 3))
    likely = [one for one in curves if one.misfit <= best.misfit + _CHI_SQUARED * excess]
    last = max(point.documents for point in points)
    found = []
    for each in more:
        size = last + each
        values = [curve.at(size) for curve in likely]
        f1 = best.at(size)
        found.append(Forecast(each, size, f1, min(values), max(values), f1 - best.at(last)))
    return found


def _curves(points: Sequence[Point]) -> list[_Curve]:
    highest = max(point.f1 for point in points)
    weights = [point.error**-2 for point in points]
    found = []
    for exponent in _EXPONENTS:
        sizes = [math.pow(point.documents, -exponent) for point in points]
        squares = sum(w * x * x for w, x in zip(weights, sizes, strict=True))
        for step in range(_CEILINGS + 1):
            ceiling = highest + (1 - highest) * step / _CEILINGS
            below = [ceiling - point.f1 for point in points]
            scale = sum(w * x * y for w, x, y in zip(weights, sizes, below, strict=True)) / squares
            misfit = sum(
                w * (y - scale * x) ** 2 for w, x, y in zip(weights, sizes, below, strict=True)
            )
            found.append(_Curve(ceiling, scale, exponent, misfit))
    return found
