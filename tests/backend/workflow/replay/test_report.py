"""What a replay concludes from curves whose truth is known."""

import random
from pathlib import Path

import numpy as np
import pytest

from backend.workflow.replay.annotator import Work
from backend.workflow.replay.areas import area, common_range, gains_over, mean_of, spent_until
from backend.workflow.replay.plot import draw
from backend.workflow.replay.points import Point
from backend.workflow.replay.report import edits_of_round, report

ROUNDS = 6


def curve(gain: float = 0.0, *, noise: float = 0.0, seed: int = 0, edits: int = 2) -> list[Point]:
    rng = random.Random(seed)
    points, done = [], Work()
    for number in range(ROUNDS):
        batch = Work(100, 300, kept=300 - 100 * edits, added=100 * edits, seconds=600.0)
        done = done + batch
        f1 = 0.5 + 0.05 * number + gain * (number > 0) + rng.uniform(-noise, noise)
        points.append(Point(number, done, batch, f1, (f1 - 0.01, f1 + 0.01), f1, {}))
    return points


def test_points_are_read_as_they_were_written():
    point = curve()[2]
    record = point.to_dict()
    assert Point.from_dict(record) == point
    assert record["documents"] == 300
    assert record["minutes"] == 30.0


def test_an_area_is_the_mean_f1_over_what_was_spent():
    run = curve()
    limits = common_range([run, run[:4]], "documents")
    assert limits == (100, 400)
    assert area(run, "documents", limits) == pytest.approx(0.575, abs=1e-3)
    assert area(run, "seconds", (10, 40)) == pytest.approx(0.575, abs=1e-3)


def test_what_it_took_is_read_between_two_points():
    curves = {1: curve(), 2: curve()}
    assert spent_until(curves, "documents", 0.525) == pytest.approx(150, abs=2)
    assert spent_until(curves, "documents", 0.1) == 100
    assert spent_until(curves, "documents", 0.9) is None


def test_a_mean_of_one_seed_has_no_interval():
    assert mean_of([0.5]).low is None
    two = mean_of([0.4, 0.6])
    assert two.low is not None
    assert two.low < 0.4


def drawn(rng: np.random.Generator, seeds: int, **worth: float) -> dict[str, dict[int, float]]:
    """Areas of strategies, each with its worth, what its seed gives to all, and chance."""
    of_seed = rng.normal(0, 0.05, seeds)
    return {
        name: {seed: its + of_seed[seed] + rng.normal(0, 0.01) for seed in range(seeds)}
        for name, its in {"random": 0.5, **worth}.items()
    }


def test_gains_are_certain_wrongly_in_one_of_forty_replays_at_most():
    rng, nothing = np.random.default_rng(7), dict.fromkeys("abcde", 0.5)
    wrong = sum(
        any(its.low > 0 for its in gains_over("random", drawn(rng, 2, **nothing)).values())
        for _ in range(2000)
    )
    assert wrong <= 0.025 * 2000 + 2 * (0.025 * 0.975 * 2000) ** 0.5


def test_two_seeds_of_five_strategies_show_a_gain_of_some_spreads():
    rng, worth = np.random.default_rng(7), {"a": 0.56, **dict.fromkeys("bcde", 0.5)}
    sure = [gains_over("random", drawn(rng, 2, **worth))["a"].low > 0 for _ in range(200)]
    assert sum(sure) > 160


def test_gains_are_those_of_the_same_seeds():
    areas = {"random": {1: 0.5, 2: 0.6}, "a": {1: 0.53, 2: 0.63}, "b": {2: 0.55}}
    gains = gains_over("random", areas)
    assert gains["a"].value == pytest.approx(0.03)
    assert gains["b"].value == pytest.approx(-0.05), "not 0.55 less the mean of both seeds"
    assert gains_over("random", {"random": {1: 0.5}, "a": {1: 0.6}})["a"].low is None
    assert gains_over("random", {"random": {1: 0.5, 2: 0.4}}) == {}


def test_a_strategy_that_is_better_with_every_seed_is_recommended():
    curves = {
        "random": {seed: curve(noise=0.02, seed=seed) for seed in range(5)},
        "mnlp": {seed: curve(0.04, noise=0.02, seed=seed) for seed in range(5)},
        "badge": {seed: curve(0.02, noise=0.02, seed=seed) for seed in range(5)},
    }
    found = report(curves, "documents")
    assert found is not None
    assert found.recommended == "mnlp"
    assert [row.strategy for row in found.rows] == ["mnlp", "badge", "random"]
    gain = found.rows[0].gain
    assert gain is not None
    assert gain.value == pytest.approx(0.036, abs=1e-3)


def test_chance_is_no_recommendation():
    curves = {
        "random": {seed: curve(noise=0.05, seed=seed) for seed in range(5)},
        "mnlp": {seed: curve(noise=0.05, seed=seed + 50) for seed in range(5)},
    }
    found = report(curves, "documents")
    assert found is not None
    assert found.recommended == "random"
    assert "no strategy is surely better than random" in found.reason


def test_one_seed_recommends_nothing():
    found = report({"random": {1: curve()}, "mnlp": {1: curve(0.1)}}, "documents")
    assert found is not None
    assert found.recommended == "random"


def test_only_seeds_that_random_has_are_compared():
    curves = {
        "random": {1: curve(), 2: curve()},
        "mnlp": {1: curve(0.1), 2: curve(0.1), 3: curve(-0.3)},
    }
    found = report(curves, "documents")
    assert found is not None
    assert found.rows[0].strategy == "mnlp"
    assert found.rows[0].seeds == 2


def test_nothing_is_said_before_random_has_come_a_round_on():
    assert report({}, "documents") is None
    assert report({"random": {1: curve()[:1]}, "full": {1: curve()[:1]}}, "documents") is None


def test_what_is_needed_is_a_share_of_what_the_whole_pool_gives():
    full = curve()[-1:]  # 0.75
    found = report({"random": {1: curve(), 2: curve()}, "full": {1: full}}, "documents")
    assert found is not None
    assert found.full_f1 == pytest.approx(0.75)
    assert found.rows[0].needed["documents"] == pytest.approx(525, abs=3)
    assert found.rows[0].saved == pytest.approx(1 / 3)


def test_edits_of_a_round_are_for_each_entity_of_an_empty_page():
    assert edits_of_round({1: curve(edits=1)}, 5) == pytest.approx(1 / 3)
    assert edits_of_round({1: curve()}, 9) is None


def test_the_curves_are_drawn(tmp_path: Path):
    draw({"random": {1: curve(), 2: curve()}, "mnlp": {1: curve(0.1)}}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
