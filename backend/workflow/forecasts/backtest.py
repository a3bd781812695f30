"""Backtest: forecasts that could have been made in the middle of replays, against what came.

After each round from the third on, every later round is forecast: its F1 is taken for the target,
because then the documents and minutes that it took are known. Of what follows a forecast learns
that number alone, so that its range of documents holds what came exactly when the F1 lies in the
middle 80 % of what was expected of a version of that size. Ranges that are right hold four of five.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from backend.errors import InvalidInputError
from backend.workflow.forecasts.forecast import LEAST_SUPPORT, State, forecast
from backend.workflow.forecasts.learning_curve import LEAST_SIZES, Point
from backend.workflow.selection.pace import Pace
from ml_backend.contract.messages import read_jsonl

CURVE = "curve.jsonl"  # a run of a replay, a line a round: see replay/points.py
LEAST_FORECASTS = 60  # below which the share of ranges that held says little
BAR = (0.70, 0.90)  # of the ranges, which promise 0.80


@dataclass(frozen=True, slots=True)
class Round:
    """One round of a run, counted from its beginning."""

    documents: int
    minutes: float
    f1: float
    per_label: Mapping[str, tuple[float, int]]  # F1, and gold entities that it rests on

    def points(self) -> Iterator[tuple[str, Point]]:
        """A point of each curve: of all labels together ("") and of each."""
        support = sum(its for _, its in self.per_label.values())
        yield "", Point(self.documents, self.f1, support)
        for label, (f1, its) in self.per_label.items():
            yield label, Point(self.documents, f1, its)


@dataclass(frozen=True, slots=True)
class Tried:
    """One forecast, and whether its ranges held what came."""

    run: str
    label: str
    documents: int  # that were known
    later: int  # documents of the round that is forecast
    state: State
    documents_held: bool
    minutes_held: bool | None  # None where the rounds before took no time
    width: float | None  # high end over low end of the range; None where that is open


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many ranges held what came."""

    forecasts: int
    documents: float | None
    minutes: float | None
    open: float | None  # the share of ranges without a high end
    width: float | None  # the median of high over low end of the others

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of the forecasts: of all labels together, and of single labels."""

    runs: int
    overall: Coverage
    labels: Coverage
    by_run: Mapping[str, Coverage]  # of all labels together

    @property
    def met(self) -> bool:
        """Whether there are enough forecasts, and their ranges hold as much as they promise."""
        low, high = BAR
        held = (self.overall.documents, self.overall.minutes)
        enough = self.overall.forecasts >= LEAST_FORECASTS
        return enough and all(one is None or low <= one <= high for one in held)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


def backtest(curves: Mapping[str, Sequence[Round]]) -> Backtest:
    """Try the forecasts on runs, by name; shorter ones than a forecast needs tell nothing.

    Raises InvalidInputError where none is long enough.
    """
    tried = {name: list(tries(name, rounds)) for name, rounds in curves.items()}
    tried = {name: its for name, its in tried.items() if its}
    if not tried:
        raise InvalidInputError(
            f"no run has {LEAST_SIZES + 1} rounds: there is nothing to forecast and to compare"
        )
    every = [one for its in tried.values() for one in its]
    whole = {name: [one for one in its if not one.label] for name, its in tried.items()}
    return Backtest(
        len(tried),
        _coverage([one for one in every if not one.label]),
        _coverage([one for one in every if one.label]),
        {name: _coverage(its) for name, its in whole.items()},
    )


def tries(run: str, rounds: Sequence[Round]) -> Iterator[Tried]:
    """Every forecast that a run allows, of all labels together and of each."""
    curves: defaultdict[str, list[tuple[Round, Point]]] = defaultdict(list)
    for one in rounds:
        for label, point in one.points():
            if point.support >= LEAST_SUPPORT:
                curves[label].append((one, point))
    for label, its in curves.items():
        for known in range(LEAST_SIZES, len(its)):
            pace = _pace([one for one, _ in its[:known]])
            points = [point for _, point in its[:known]]
            for later, point in its[known:]:
                yield _try(run, label, points, its[known - 1][0], later, point.f1, pace)


def read_curves(folder: Path) -> dict[str, list[Round]]:
    """The runs of the replays below a folder, `REPLAY/RUN` by name; raises InvalidInputError."""
    found = {}
    for path in sorted(folder.rglob(CURVE)):
        try:
            rounds = [_round(record) for record in read_jsonl(path)]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInputError(f"{path} holds no learning curve: {error!r}") from error
        run = path.parent.relative_to(folder)
        found["/".join(part for part in run.parts if part != "runs")] = rounds
    if not found:
        raise InvalidInputError(f"there is no {CURVE} in {folder}")
    return found


def _round(record: Mapping[str, Any]) -> Round:
    per_label = {
        label: (float(its["f1"]), int(its["support"])) for label, its in record["per_label"].items()
    }
    return Round(int(record["documents"]), float(record["minutes"]), float(record["f1"]), per_label)


def _try(
    run: str,
    label: str,
    points: Sequence[Point],
    last: Round,
    later: Round,
    target: float,
    pace: Pace | None,
) -> Tried:
    told = forecast(label, points, target, pace)
    assert told.documents is not None
    low, high = told.documents.low, told.documents.high
    return Tried(
        run,
        label,
        last.documents,
        later.documents,
        told.state,
        told.documents.holds(later.documents - last.documents),
        told.minutes.holds(later.minutes - last.minutes) if told.minutes else None,
        None if low is None or high is None else (last.documents + high) / (last.documents + low),
    )


def _pace(rounds: Sequence[Round]) -> Pace | None:
    """The pace of the latest round: what strategies choose becomes quicker from round to round."""
    first, last = rounds[-2:]
    documents, minutes = last.documents - first.documents, last.minutes - first.minutes
    return Pace(60 * minutes / documents) if documents > 0 and minutes > 0 else None


def _coverage(tried: Sequence[Tried]) -> Coverage:
    timed = [one.minutes_held for one in tried if one.minutes_held is not None]
    widths = [one.width for one in tried if one.width is not None]
    return Coverage(
        len(tried),
        _mean(one.documents_held for one in tried),
        _mean(timed),
        _mean(one.width is None for one in tried),
        median(widths) if widths else None,
    )


def _mean(values: Iterable[bool]) -> float | None:
    found = list(values)
    return fmean(found) if found else None
