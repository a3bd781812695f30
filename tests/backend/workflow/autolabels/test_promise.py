"""The promise: the threshold is valid, found where it can be, and said to be lacking where not."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.autolabels.promise import (
    Outcome,
    certify,
    documents_needed,
    grid,
    least_documents,
    tail,
)


def by_hand(right: int, tested: int, p: float) -> float:
    return sum(
        math.comb(tested, count) * p**count * (1 - p) ** (tested - count)
        for count in range(right, tested + 1)
    )


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.01, 0.99))
def test_the_tail_is_the_sum_of_its_terms(right: int, wrong: int, p: float):
    assert tail(right, right + wrong, p) == pytest.approx(by_hand(right, right + wrong, p))


def test_fifty_nine_right_ones_are_the_least_that_certify_nineteen_of_twenty():
    assert least_documents(0.95, 0.05) == 59
    assert by_hand(59, 59, 0.95) <= 0.05 < by_hand(58, 58, 0.95)
    assert least_documents(0.9, 0.05) == 29
    assert least_documents(0.95, 0.05, errors=5) == 208


def test_the_grid_goes_from_the_most_confident_down():
    assert list(grid()) == sorted(grid(), reverse=True)
    assert 0.999 < grid()[0] < 1
    assert grid()[-1] == 0.0  # a version that is right nearly always leaves nothing to people


def drawn(chance: random.Random, count: int, right_at) -> list[Outcome]:
    confidences = [chance.random() for _ in range(count)]
    return [Outcome(one, chance.random() < right_at(one)) for one in confidences]


def rate_from(threshold: float, right_at) -> float:
    """How often documents from a threshold on are right, by brute force over the confidences."""
    points = [threshold + (1 - threshold) * (step + 0.5) / 2000 for step in range(2000)]
    return sum(map(right_at, points)) / len(points)


@pytest.mark.parametrize(
    "right_at",
    [
        lambda confidence: confidence,
        lambda confidence: 0.7 + 0.28 * confidence,
        lambda confidence: 0.9,  # says nothing, and lies exactly at the border
        lambda confidence: 0.98 if confidence > 0.5 else 0.2,
    ],
)
@pytest.mark.parametrize("count", [40, 150, 600])
def test_a_threshold_that_does_not_keep_p_is_found_no_more_often_than_delta(right_at, count):
    chance, p, delta, rounds = random.Random(11), 0.9, 0.1, 400
    broken = 0
    for _ in range(rounds):
        found = certify(drawn(chance, count, right_at), p, delta)
        broken += found.threshold is not None and rate_from(found.threshold, right_at) < p - 1e-9
    assert broken <= rounds * delta + 2 * math.sqrt(rounds * delta * (1 - delta))


def test_each_step_down_was_refuted_and_the_next_was_not():
    outcomes = drawn(random.Random(3), 3000, lambda confidence: 0.5 + 0.5 * confidence)
    found = certify(outcomes, 0.9, 0.05)
    assert found.threshold is not None
    above = [outcome for outcome in outcomes if outcome.confidence >= found.threshold]
    assert found.tested == len(above)
    assert found.right == sum(outcome.right for outcome in above)
    *passed, failed = found.steps
    assert all(step["p_value"] <= 0.05 for step in passed)
    assert failed["p_value"] > 0.05
    assert passed[-1]["threshold"] == found.threshold
    thresholds = [step["threshold"] for step in found.steps]
    assert thresholds == sorted(thresholds, reverse=True)
    assert found.needed is None
    assert 0.6 <= found.threshold < 0.7  # 0.5 + 0.5 c reaches 0.9 on average at 0.6


def test_where_the_sequence_begins_does_not_depend_on_what_came_out():
    chance = random.Random(4)
    outcomes = drawn(chance, 500, lambda confidence: 0.9)
    begun = set()
    for _ in range(20):
        shuffled = [Outcome(one.confidence, chance.random() < 0.95) for one in outcomes]
        steps = certify(shuffled, 0.9, 0.05).steps
        begun.add((steps[0]["threshold"], steps[0]["tested"]))
    assert len(begun) == 1


def test_with_too_little_gold_it_says_how_much_is_missing():
    assert certify([], 0.95, 0.05).needed == 59
    found = certify([Outcome(0.99, True)] * 58, 0.95, 0.05)
    assert (found.threshold, found.needed) == (None, 1)
    assert "1 more" in found.reason
    assert certify([Outcome(0.99, True)] * 59, 0.95, 0.05).threshold is not None


def test_what_is_said_to_be_needed_suffices_when_it_comes_out_the_same():
    outcomes = [Outcome(0.98, True)] * 97 + [Outcome(0.98, False)] * 3
    outcomes += [Outcome(0.3, False)] * 100
    found = certify(outcomes, 0.95, 0.05)
    assert found.threshold is None
    assert found.needed is not None
    assert found.needed > 0
    times = math.ceil((found.needed + len(outcomes)) / len(outcomes))
    assert certify(outcomes * times, 0.95, 0.05).threshold is not None
    assert certify(outcomes * (times - 1), 0.95, 0.05).threshold is None


def test_gold_that_would_do_from_a_lower_threshold_is_missing_for_the_first():
    surest = [Outcome(0.99, number % 5 != 0) for number in range(10)]
    gold = [*surest, *[Outcome(0.9, number % 8 != 0) for number in range(31)]]
    found = certify(gold, 0.6, 0.1)
    assert (found.threshold, found.tested, found.right) == (None, 10, 8)
    assert found.needed
    assert f"about {found.needed} more are needed" in found.reason
    times = math.ceil((len(gold) + found.needed) / len(gold))
    assert certify(gold * times, 0.6, 0.1).threshold is not None


def test_a_version_that_is_never_right_often_enough_needs_no_more_gold():
    outcomes = [Outcome(0.98, number % 2 == 0) for number in range(400)]
    found = certify(outcomes, 0.95, 0.05)
    assert (found.threshold, found.needed) == (None, None)
    assert "training" in found.reason
    assert documents_needed(outcomes, 0.95, 0.05) is None


def test_p_and_delta_are_probabilities():
    for p, delta in [(1.0, 0.05), (0.0, 0.05), (0.95, 0.0), (0.95, 1.0)]:
        with pytest.raises(ValueError, match="between 0 and 1"):
            certify([], p, delta)
