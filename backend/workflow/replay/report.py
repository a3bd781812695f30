"""What came of a replay: a table of its strategies, and which of them is worth choosing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from backend.workflow.replay.annotator import Work
from backend.workflow.replay.areas import (
    Curves,
    Mean,
    area,
    common_range,
    gains_over,
    mean_of,
    spent_until,
)
from backend.workflow.replay.config import FULL, RANDOM
from backend.workflow.replay.points import COSTS, Cost, Point

OF_FULL = 0.95  # of the F1 that all of the pool gives: what a team waits for


@dataclass(frozen=True, slots=True)
class Row:
    """A strategy over its seeds.

    `area` is its mean F1 over the range that all runs covered, `gain` that less random's, with an
    interval that allows for seeds and for how many strategies were held against random.
    `needed` is what it took to come to `OF_FULL` of the full F1, of each kind, None where it did
    not. `saved` is the share of edits that pre-labels saved against an empty page.
    """

    strategy: str
    seeds: int
    area: Mean
    gain: Mean | None
    last_f1: Mean
    needed: Mapping[Cost, float | None]
    saved: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "strategy": self.strategy,
            "seeds": self.seeds,
            "area": self.area.to_dict(),
            "gain": self.gain.to_dict() if self.gain else None,
            "last_f1": self.last_f1.to_dict(),
            "needed": {str(cost): spent for cost, spent in self.needed.items()},
            "saved": self.saved,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The strategies by their areas, best first, and the one that is recommended, with why."""

    cost: Cost
    full_f1: float | None
    rows: Sequence[Row]
    recommended: str
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "cost": self.cost,
            "full_f1": self.full_f1,
            "rows": [row.to_dict() for row in self.rows],
            "recommended": self.recommended,
            "reason": self.reason,
        }


def report(curves: Mapping[str, Curves], cost: Cost) -> Report | None:
    """Hold the strategies against random, by seeds that both have gone through to the same round.

    None before random and a strategy of its seeds have come anywhere. Among strategies whose gain
    over random is certain the one with the largest is recommended; where there is none, random.
    """
    full = [run[-1].f1 for run in curves.get(FULL, {}).values()]
    tried = _even({name: its for name, its in curves.items() if name != FULL})
    if not tried.get(RANDOM):
        return None
    limits = common_range([run for its in tried.values() for run in its.values()], cost)
    full_f1 = sum(full) / len(full) if full else None
    areas = {
        name: {seed: area(run, cost, limits) for seed, run in its.items()}
        for name, its in tried.items()
    }
    gains = gains_over(RANDOM, areas)
    rows = [_row(name, tried[name], areas[name], gains.get(name), full_f1) for name in tried]
    rows.sort(key=lambda row: -row.area.value)
    recommended, reason = recommend(rows)
    return Report(cost, full_f1, rows, recommended, reason)


def recommend(rows: Sequence[Row]) -> tuple[str, str]:
    """The strategy to choose, and why in one sentence."""
    held = [row for row in rows if row.gain is not None]
    if not held:
        return RANDOM, "no other strategy was tried"
    if any(row.gain is None or row.gain.low is None for row in held):
        return RANDOM, "one seed says nothing about chance: replay with two or more"
    best = max(held, key=lambda row: row.gain.value if row.gain else 0.0)
    sure = [row for row in held if row.gain and row.gain.low is not None and row.gain.low > 0]
    if not sure:
        assert best.gain is not None
        return RANDOM, (
            f"no strategy is surely better than random: the best, {best.strategy}, gains "
            f"{best.gain.value:+.3f} F1 ({best.gain.low:+.3f} to {best.gain.high:+.3f})"
        )
    chosen = max(sure, key=lambda row: row.gain.value if row.gain else 0.0)
    assert chosen.gain is not None
    return chosen.strategy, (
        f"{chosen.strategy} gains {chosen.gain.value:+.3f} F1 over random on average "
        f"({chosen.gain.low:+.3f} to {chosen.gain.high:+.3f})"
    )


def edits_of_round(curves: Curves, number: int) -> float | None:
    """Edits for each gold entity in the batch of a round, which is what an empty page takes."""
    batches = [point.batch for run in curves.values() for point in run if point.round == number]
    total = _total(batches)
    return total.edits / total.entities if total.entities else None


def _row(
    name: str,
    its: Curves,
    areas: Mapping[int, float],
    gain: Mean | None,
    full_f1: float | None,
) -> Row:
    needed = {
        cost: spent_until(its, cost, OF_FULL * full_f1) if full_f1 else None for cost in COSTS
    }
    chosen = _total([point.batch for run in its.values() for point in run[1:]])
    return Row(
        name,
        len(its),
        mean_of(list(areas.values())),
        gain,
        mean_of([run[-1].f1 for run in its.values()]),
        needed,
        1 - chosen.edits / chosen.entities if chosen.entities else 0.0,
    )


def _even(curves: Mapping[str, Curves]) -> dict[str, Curves]:
    """The strategies and seeds that can be compared: two rounds and more, paired with random."""
    random = {seed for seed, run in curves.get(RANDOM, {}).items() if len(run) > 1}
    found: dict[str, Curves] = {}
    for name, its in curves.items():
        if paired := {seed: run for seed, run in its.items() if seed in random and len(run) > 1}:
            found[name] = paired
    return found


def _total(works: Sequence[Work]) -> Work:
    return reduce(Work.__add__, works, Work())


def shown_points(curves: Curves, cost: Cost) -> list[tuple[float, Mean]]:
    """A strategy's curve for people: by round, what was spent on average, and F1 over seeds."""
    rounds = min((len(run) for run in curves.values()), default=0)
    runs: Sequence[Sequence[Point]] = list(curves.values())
    return [
        (
            sum(run[number].cost(cost) for run in runs) / len(runs),
            mean_of([run[number].f1 for run in runs]),
        )
        for number in range(rounds)
    ]
