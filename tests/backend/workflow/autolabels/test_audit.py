"""The confidence sequence of the audit: exact, valid at every look, and able to see a bad rule."""

import math
import random

import pytest
from scipy.integrate import quad

from backend.workflow.autolabels.audit import A, B, audit, log_evidence, states, upper_bound


@pytest.mark.parametrize(("right", "wrong", "rate"), [(3, 1, 0.9), (0, 2, 0.5), (40, 4, 0.95)])
def test_the_evidence_is_the_mixture_that_its_formula_says(right, wrong, rate):
    def prior(theta: float) -> float:
        return theta ** (A - 1) * (1 - theta) ** (B - 1)

    def mixed(theta: float) -> float:
        return prior(theta) * theta**right * (1 - theta) ** wrong

    expected = quad(mixed, 0, rate)[0] / quad(prior, 0, rate)[0]
    expected /= rate**right * (1 - rate) ** wrong
    assert math.exp(log_evidence(right, wrong, rate)) == pytest.approx(expected, rel=1e-5)


def test_on_average_the_evidence_never_rises_by_chance():
    for right, wrong in [(0, 0), (5, 1), (30, 0), (17, 9)]:
        for rate in (0.5, 0.9, 0.95):
            now = math.exp(log_evidence(right, wrong, rate))
            then = rate * math.exp(log_evidence(right + 1, wrong, rate)) + (1 - rate) * math.exp(
                log_evidence(right, wrong + 1, rate)
            )
            assert then == pytest.approx(now, rel=1e-9)


@pytest.mark.parametrize("right", [0, 1, 10, 100, 1000])
def test_the_bound_lies_where_the_evidence_reaches_its_limit(right):
    for wrong in (1, 5, 60):
        bound = upper_bound(right, wrong, 0.05)
        assert right / (right + wrong) <= bound <= 1
        if bound < 1:
            assert log_evidence(right, wrong, bound) == pytest.approx(math.log(20), abs=1e-2)
            for above in (bound + (1 - bound) * share for share in (0.1, 0.5, 0.9, 0.999)):
                assert log_evidence(right, wrong, above) > math.log(20)


def test_before_anything_is_known_everything_is_possible():
    assert audit([], 0.05).upper == 1.0
    assert audit([], 0.05).rate is None
    assert audit([True] * 500, 0.05).upper == 1.0


def test_a_rule_that_keeps_p_exactly_is_stopped_no_more_often_than_said():
    chance = random.Random(5)
    stopped = 0
    for _ in range(400):
        outcomes = (chance.random() < 0.9 for _ in range(400))
        stopped += any(state.contradicts(0.9) for state in states(outcomes, 0.1))
    assert stopped <= 400 * 0.1 + 2 * math.sqrt(400 * 0.1 * 0.9)


def test_a_bad_rule_is_stopped_soon_and_for_good():
    chance = random.Random(7)
    looks = []
    for _ in range(50):
        found = list(states((chance.random() < 0.7 for _ in range(400)), 0.05))
        stopped = [state.contradicts(0.95) for state in found]
        looks.append(stopped.index(True) + 1)
        assert all(stopped[looks[-1] :])  # later luck does not undo it
    assert sorted(looks)[25] < 40
