"""Forecast: how many more documents and minutes bring a project to a target F1, label by label.

A range holds four of five outcomes. With its low end a version measures the target with a chance
of 10 %, with its middle of 50 % and with its high end of 90 %; an end that not even the farthest
number of documents reaches is open. What is farthest: see learning_curve.py.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from backend.db.projects import settings_of
from backend.db.tables import Project
from backend.errors import InvalidInputError
from backend.workflow.forecasts.learned import Learned, learned
from backend.workflow.forecasts.learning_curve import (
    TAIL,
    Array,
    Point,
    Range,
    learning_curve,
)
from backend.workflow.selection.pace import Pace, project_pace

LEAST_SUPPORT = 10  # gold entities that judge a label, below which nothing is forecast of it
STEPS = 20  # targets that are proposed: twentieths


class State(StrEnum):
    """What may be said of a target."""

    REACHED = "reached"
    REACHABLE = "reachable"
    UNCERTAIN = "uncertain"  # it may be out of reach: the high end is open
    OUT_OF_REACH = "out of reach"  # with these labels and this model
    UNKNOWN = "unknown"  # too few versions, or too little gold to judge by


@dataclass(frozen=True, slots=True)
class Amount:
    """A range of documents or minutes that are still needed; None is an open end."""

    low: float | None
    middle: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        """Whether the range holds an outcome."""
        above = self.low is not None and value >= self.low
        return above and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a target needs of one label, or of all together (`label` is empty).

    `now` is the F1 to be expected of a version from the gold there is, `farthest` that from the
    farthest number of documents. `chance` is that of reaching the target at all.
    """

    label: str
    state: State
    support: int  # gold entities that judged the newest version
    now: Range | None = None
    farthest: Range | None = None
    chance: float = 0.0
    documents: Amount | None = None  # more, to be labelled
    minutes: Amount | None = None  # of people's work


@dataclass(frozen=True, slots=True)
class ProjectForecast:
    """The forecasts of a project: of all labels together, then of each.

    `held_out` is the share of what people label that judges versions and teaches none: it is part
    of the documents that are forecast.
    """

    target: float
    measured_on: str
    versions: int
    other_versions: int  # left out: of another model, or of other labels
    documents: int  # that the largest version learned from
    held_out: float
    seconds: float | None  # a document
    overall: Forecast
    labels: list[Forecast]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def project_forecast(
    session: Session, project: Project, target: float | None = None
) -> ProjectForecast:
    """What a target F1 needs; without one, the next twentieth above what is expected now.

    Raises InvalidInputError for a target that is no F1.
    """
    if target is not None and not 0 < target < 1:
        raise InvalidInputError("a target is an F1 between 0 and 1")
    found = learned(session, project.id)
    pace = project_pace(session, project.id)
    held_out = min(settings_of(project).random_share, 0.99)  # if all judge, nothing is learned
    if target is None:
        target = proposed(found.overall)
    return ProjectForecast(
        target=target,
        measured_on=found.measured_on,
        versions=len(found.overall),
        other_versions=found.others,
        documents=max((point.documents for point in found.overall), default=0),
        held_out=held_out,
        seconds=pace.seconds if pace else None,
        overall=forecast("", found.overall, target, pace, held_out=held_out),
        labels=_by_label(found, target, pace, held_out),
    )


def proposed(points: Sequence[Point]) -> float:
    """The next twentieth of F1 above the best so far, 0.95 at most."""
    best = max((point.f1 for point in points), default=0.0)
    return min(STEPS - 1, math.floor(best * STEPS + 1e-9) + 1) / STEPS


def forecast(
    label: str, points: Sequence[Point], target: float, pace: Pace | None, *, held_out: float = 0.0
) -> Forecast:
    """What a target needs by the points of one curve."""
    support = points[-1].support if points else 0
    curve = learning_curve(points) if support >= LEAST_SUPPORT else None
    if curve is None:
        return Forecast(label, State.UNKNOWN, support)
    sizes, chances = curve.chances(target)
    more = (sizes - curve.last) / (1 - held_out)
    return Forecast(
        label,
        _state(chances),
        support,
        curve.f1(curve.last),
        curve.f1(sizes[-1]),
        float(chances[-1]),
        _amount(more, chances),
        _minutes(more, chances, pace) if pace is not None else None,
    )


def _by_label(found: Learned, target: float, pace: Pace | None, held_out: float) -> list[Forecast]:
    forecasts = [
        forecast(label, points, target, pace, held_out=held_out)
        for label, points in found.labels.items()
    ]
    return sorted(forecasts, key=lambda one: one.now.middle if one.now else 1.0)


def _state(chances: Array) -> State:
    if chances[0] >= 0.5:
        return State.REACHED
    if chances[-1] < TAIL:
        return State.OUT_OF_REACH
    return State.REACHABLE if chances[-1] >= 1 - TAIL else State.UNCERTAIN


def _amount(more: Array, chances: Array) -> Amount:
    """Where the chance, which never falls, comes to its lower tail, one half and its upper tail."""
    return Amount(*(_first(more, chances, chance) for chance in (TAIL, 0.5, 1 - TAIL)))


def _minutes(more: Array, chances: Array, pace: Pace) -> Amount:
    """The same in minutes: the pace to come is not known for sure either."""
    paces = pace.likely() / 60
    minutes = more * paces.max()  # as long as the slowest takes for the farthest
    documents = minutes[None, :] / paces[:, None]  # (paces, sizes)
    return _amount(minutes, np.interp(documents, more, chances).mean(axis=0))


def _first(amounts: Array, chances: Array, chance: float) -> float | None:
    """The amount from which on the chance is reached, on the straight line between two."""
    if chances[-1] < chance:
        return None
    return float(np.interp(chance, chances, amounts))
