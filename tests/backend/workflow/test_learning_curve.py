"""Forecasts of a learning curve: of curves that are known, and of too little to tell."""

import pytest

from backend.workflow.learning_curve import Point, forecasts


def known(documents: int) -> float:
    return 0.9 - 1.2 * documents**-0.5


def measured(documents: int, off: float = 0.0) -> Point:
    f1 = known(documents) + off
    return Point(documents, f1, (f1 - 0.02, f1 + 0.02))


def test_a_known_curve_is_gone_on_with() -> None:
    sizes = (100, 200, 300, 500, 800, 1200)
    found = forecasts([measured(n, 0.005 * (-1) ** k) for k, n in enumerate(sizes)])
    assert [(one.more, one.documents) for one in found] == [(100, 1300), (500, 1700), (1000, 2200)]
    for one in found:
        assert one.f1 == pytest.approx(known(one.documents), abs=0.01)
        assert one.low <= one.f1 <= one.high <= 1
        assert one.low < known(one.documents) < one.high
        assert one.gain > 0
    gains = [one.gain for one in found]
    assert gains == sorted(gains)
    widths = [one.high - one.low for one in found]
    assert widths == sorted(widths)  # the further away, the less is known


def test_too_few_sizes_say_nothing() -> None:
    assert forecasts([]) == []
    assert forecasts([measured(100), measured(200), measured(200), Point(0, 0.1)]) == []


def test_versions_that_do_not_get_better_promise_nothing() -> None:
    found = forecasts([Point(n, 0.8, (0.78, 0.82)) for n in (100, 400, 900)])
    assert all(abs(one.gain) < 0.01 for one in found)


def test_points_that_no_curve_fits_make_the_range_wide() -> None:
    calm = forecasts([measured(n) for n in (100, 300, 900, 1500)])
    wild = forecasts(
        [measured(n, off) for n, off in ((100, 0.1), (300, -0.1), (900, 0.1), (1500, -0.1))]
    )
    assert wild[0].high - wild[0].low > calm[0].high - calm[0].low
