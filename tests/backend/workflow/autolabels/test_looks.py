"""Looks at certify gold that grows: their levels, their sizes, and how often they are wrong."""

import math
import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.autolabels.looks import certify_in_looks, level
from backend.workflow.autolabels.promise import Outcome, certify

P, DELTA = 0.9, 0.05


def drawn(chance: random.Random, count: int, rate: float) -> list[Outcome]:
    return [Outcome(chance.random(), chance.random() < rate) for _ in range(count)]


@given(st.floats(0.001, 0.5))
def test_all_looks_together_spend_no_more_than_delta(delta: float):
    spent = list(accumulate(level(look, delta) for look in range(1, 40)))
    assert spent[0] == pytest.approx(0.99 * delta)
    assert spent[-1] <= delta * (1 + 1e-12)


def test_a_false_promise_is_made_in_delta_of_the_draws_however_often_one_looks():
    chance, rounds, first = random.Random(5), 120, 100
    sizes = [round(first * 1.2**step) for step in range(13)]  # to nine times the first
    shared = whole = 0
    for _ in range(rounds):
        gold = drawn(chance, sizes[-1], rate=P - 0.001)  # whatever is accepted breaks the promise
        shared += certify_in_looks(gold, P, DELTA, first).threshold is not None
        whole += any(certify(gold[:size], P, DELTA).threshold is not None for size in sizes)
    assert shared <= rounds * DELTA + 2 * math.sqrt(rounds * DELTA * (1 - DELTA))
    assert whole > 2 * rounds * DELTA  # which the whole of delta at each look does not keep


def test_one_look_more_is_taken_when_the_gold_has_doubled():
    gold = [Outcome(0.98, number % 20 != 0) for number in range(1000)]  # 95 % are right
    early = certify_in_looks(gold[:100], P, DELTA)
    assert (early.threshold, early.documents, early.level) == (None, 100, level(1, DELTA))
    again = certify_in_looks(gold[:199], P, DELTA, 100)
    assert (again.steps, again.documents) == (early.steps, 100)  # the same look
    second = certify_in_looks(gold[:200], P, DELTA, 100)
    assert (second.threshold, second.documents, second.level) == (None, 200, level(2, DELTA))
    found = certify_in_looks(gold, P, DELTA, 100)
    assert found.threshold is not None
    assert (found.documents, found.level) == (800, level(4, DELTA))


def test_what_a_look_has_found_stays_found():
    lucky = [Outcome(0.99, True)] * 100
    found = certify_in_looks(lucky, P, DELTA)
    assert found.threshold is not None
    grown = [*lucky, *[Outcome(0.99, False)] * 300]
    assert certify_in_looks(grown, P, DELTA, 100).threshold == found.threshold


def test_gold_that_is_missing_is_counted_to_a_look_that_may_find_it():
    gold = [Outcome(0.98, number % 13 != 0) for number in range(150)]  # 92 % are right
    found = certify_in_looks(gold, P, DELTA, 120)
    assert (found.threshold, found.documents) == (None, 120)
    assert found.needed is not None
    assert f"150 documents; about {found.needed} more are needed" in found.reason
    size = 150 + found.needed
    assert math.log2(size / 120).is_integer()
    more = [Outcome(0.98, number % 13 != 0) for number in range(size)]
    assert certify_in_looks(more, P, DELTA, 120).threshold is not None
    assert certify_in_looks(more[: size // 2], P, DELTA, 120).threshold is None


def test_gold_that_is_too_little_to_test_is_no_look():
    found = certify_in_looks([Outcome(0.99, True)] * 20, P, DELTA)
    assert (found.steps, found.needed) == ([], 9)
    assert certify_in_looks([], P, DELTA).needed == 29
