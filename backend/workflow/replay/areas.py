"""Learning curves of several seeds made comparable: areas, crossings, gains with intervals.

A curve is F1 over what was spent, straight between its points. Areas are means of F1 over the
range of spending that every run has covered, so that one point of area is one point of F1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from backend.workflow.replay.points import Cost, Point

Floats = NDArray[np.floating[Any]]
Curves = Mapping[int, Sequence[Point]]  # by seed

GRID = 400  # places at which curves are compared


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds and its interval (Student's t); no interval of fewer than two seeds."""

    value: float
    low: float | None
    high: float | None

    def to_dict(self) -> dict[str, float | None]:
        """As JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of some seeds' figures, with 95 % intervals; raises ValueError for none."""
    if not values:
        raise ValueError("a mean needs a value")
    value, count = float(np.mean(values)), len(values)
    if count < 2:
        return Mean(value, None, None)
    half = float(student.ppf(0.975, count - 1)) * float(np.std(values, ddof=1))
    half /= count**0.5
    return Mean(value, value - half, value + half)


def gains_over(control: str, areas: Mapping[str, Mapping[int, float]]) -> dict[str, Mean]:
    """What each strategy is better by than the control, by strategy and seed, with intervals.

    A randomised block design: a figure is its strategy's worth, what its seed gives to all of
    them, and chance, which is taken to be alike for all, so that its size is known from all of
    them together: two seeds of five strategies tell much more than two figures. Intervals are
    Bonferroni's, 95 % for all strategies at once, because the best is picked. None where there is
    but one seed.
    """
    others = [name for name in areas if name != control]
    seeds = sorted({seed for its in areas.values() for seed in its})
    values, rows = [], []
    for name, its in areas.items():
        for seed, value in its.items():
            values.append(value)
            rows.append([name == other for other in others] + [seed == one for one in seeds])
    design, values_ = np.array(rows, float), np.array(values)
    fitted, _, rank, _ = np.linalg.lstsq(design, values_, rcond=None)
    gains = {name: float(fitted[place]) for place, name in enumerate(others)}
    freedom = len(values) - int(rank)
    if freedom < 1:
        return {name: Mean(gain, None, None) for name, gain in gains.items()}
    chance = float(np.sum((values_ - design @ fitted) ** 2)) / freedom
    spread = np.sqrt(chance * np.diag(np.linalg.pinv(design.T @ design)))
    level = 1 - 0.05 / max(1, len(others))
    halves = float(student.ppf((1 + level) / 2, freedom)) * spread
    return {
        name: Mean(gain, gain - float(half), gain + float(half))
        for (name, gain), half in zip(gains.items(), halves[: len(others)], strict=True)
    }


def common_range(runs: Sequence[Sequence[Point]], cost: Cost) -> tuple[float, float]:
    """From where to where every curve of two points and more goes; empty when the end is first."""
    ends = [(run[0].cost(cost), run[-1].cost(cost)) for run in runs if len(run) > 1]
    if not ends:
        return (0.0, 0.0)
    return max(first for first, _ in ends), min(last for _, last in ends)


def f1_at(run: Sequence[Point], cost: Cost, places: Floats) -> Floats:
    """F1 at some amounts of what was spent; before and after the curve that of its ends."""
    spent = np.array([point.cost(cost) for point in run])
    return np.asarray(np.interp(places, spent, np.array([point.f1 for point in run])))


def area(run: Sequence[Point], cost: Cost, limits: tuple[float, float]) -> float:
    """The mean F1 of a curve over a range."""
    low, high = limits
    if high <= low:
        return float(f1_at(run, cost, np.array([high]))[0])
    places = np.linspace(low, high, GRID)
    return float(np.mean(f1_at(run, cost, places)))


def mean_curve(curves: Curves, cost: Cost) -> tuple[Floats, Floats]:
    """The seeds' mean F1 at some amounts of what was spent, as far as all seeds have come."""
    runs = list(curves.values())
    first = max(run[0].cost(cost) for run in runs)
    last = min(run[-1].cost(cost) for run in runs)
    places = np.linspace(first, max(first, last), GRID)
    return places, np.mean([f1_at(run, cost, places) for run in runs], axis=0)


def spent_until(curves: Curves, cost: Cost, f1: float) -> float | None:
    """What it took until the seeds' mean curve first reached an F1; None where it has not."""
    places, mean = mean_curve(curves, cost)
    reached = np.flatnonzero(mean >= f1)
    if not len(reached):
        return None
    at = int(reached[0])
    if at == 0:
        return float(places[0])
    share = (f1 - mean[at - 1]) / (mean[at] - mean[at - 1])
    return float(places[at - 1] + share * (places[at] - places[at - 1]))
