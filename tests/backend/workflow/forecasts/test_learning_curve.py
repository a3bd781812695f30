"""Learning curves: of curves that are known, of too little to tell, and of every kind of points."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.forecasts.learning_curve import FARTHEST, Point, brought, learning_curve

SIZES = (100, 200, 300, 500, 800, 1200)


def known(documents: float) -> float:
    return 0.9 - 1.2 * documents**-0.5


def measured(documents: int, off: float = 0.0) -> Point:
    return Point(documents, known(documents) + off, 1500)


def test_a_known_curve_is_gone_on_with() -> None:
    found = brought([measured(n, 0.003 * (-1) ** k) for k, n in enumerate(SIZES)])
    assert [(one.more, one.documents) for one in found] == [(100, 1300), (500, 1700), (1000, 2200)]
    for one in found:
        assert one.f1.middle == pytest.approx(known(one.documents), abs=0.01)
        assert one.f1.low < known(one.documents) < one.f1.high <= 1
        assert one.gain > 0
    gains = [one.gain for one in found]
    assert gains == sorted(gains)
    widths = [one.f1.high - one.f1.low for one in found]
    assert widths == sorted(widths)  # the further away, the less is known


def test_too_few_sizes_say_nothing() -> None:
    assert brought([]) == []
    assert brought([measured(100), measured(200), measured(200), Point(0, 0.1)]) == []
    assert learning_curve([measured(100), measured(200), measured(300)]) is not None


def test_versions_that_do_not_get_better_promise_little() -> None:
    found = brought([Point(n, 0.8, 2000) for n in (100, 400, 900, 1600)])
    assert all(0 <= one.gain < 0.01 for one in found)


def test_points_that_no_curve_fits_make_the_range_wide() -> None:
    calm = brought([measured(n) for n in (100, 300, 900, 1500)])[0].f1
    offs = ((100, 0.1), (300, -0.1), (900, 0.1), (1500, -0.1))
    wild = brought([measured(n, off) for n, off in offs])[0].f1
    assert wild.high - wild.low > calm.high - calm.low


def test_what_was_judged_on_little_gold_counts_less() -> None:
    points = [measured(n) for n in SIZES]
    low = Point(1000, known(1000) - 0.15, 1500)
    surely, hardly = (brought([*points, one])[0].f1 for one in (low, Point(1000, low.f1, 15)))
    assert surely.middle < hardly.middle
    assert hardly.middle == pytest.approx(known(1300), abs=0.01)


def test_the_order_of_the_versions_is_no_matter() -> None:
    points = [measured(n) for n in SIZES]
    assert brought(points) == brought(points[::-1])


points = st.lists(
    st.builds(Point, st.integers(1, 10**6), st.floats(0, 1), st.integers(0, 10**5)),
    min_size=1,
    max_size=30,
)


@given(points, st.floats(0.01, 0.99))
def test_ranges_and_chances_are_in_order_whatever_was_measured(
    measured: list[Point], target: float
) -> None:
    curve = learning_curve(measured)
    if len({point.documents for point in measured}) < 3:
        assert curve is None
        return
    assert curve is not None
    sizes, chances = curve.chances(target)
    assert sizes[0] == curve.last
    assert sizes[-1] == pytest.approx(FARTHEST * curve.last)
    assert (np.diff(chances) >= 0).all()
    assert 0 <= chances[0] <= chances[-1] <= 1 + 1e-9
    likely = curve.f1(2 * curve.last)
    assert 0 <= likely.low <= likely.middle <= likely.high <= 1
