"""The curve behind a promise: every threshold that takes in more, with a bound that holds."""

import pytest
from scipy.stats import binomtest

from backend.workflow.autolabels.promise import Outcome, grid
from backend.workflow.autolabels.promise_curve import curve

OUTCOMES = [
    *[Outcome(0.999, True)] * 30,
    *[Outcome(0.9, True)] * 18,
    *[Outcome(0.9, False)] * 2,
    *[Outcome(0.3, False)] * 10,
]


def test_a_point_for_each_threshold_that_takes_in_more():
    points = curve(OUTCOMES, 0.05)
    assert [(one["tested"], one["right"]) for one in points] == [(30, 30), (50, 48), (60, 48)]
    for point, confidence in zip(points, (0.999, 0.9, 0.3), strict=True):
        assert point["threshold"] == max(one for one in grid() if one <= confidence)


def test_the_bound_is_that_of_the_exact_binomial_test():
    for point in curve(OUTCOMES, 0.05):
        exact = binomtest(point["right"], point["tested"], alternative="greater")
        low = exact.proportion_ci(confidence_level=0.95, method="exact").low
        assert point["lower"] == pytest.approx(low)


def test_nothing_right_and_nothing_at_all():
    assert [one["lower"] for one in curve([Outcome(0.5, False)], 0.05)] == [0.0]
    assert curve([], 0.05) == []
