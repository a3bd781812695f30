"""The heaviest set of spans, against every subset there is."""

import itertools
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.tagger.heads.scheduling import (
    Range,
    first_conflict,
    heaviest_apart,
    heaviest_nested,
)

SPANS = st.sets(
    st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda span: span[0] < span[1]),
    max_size=8,
)


def overlap(left: Range, right: Range) -> bool:
    return left[0] < right[1] and right[0] < left[1]


def cross(left: Range, right: Range) -> bool:
    (a, b), (c, d) = sorted([left, right])
    return a < c < b < d


def heaviest_of_all(
    spans: Sequence[Range], weights: Sequence[float], clash: Callable[[Range, Range], bool]
) -> float:
    subsets = itertools.chain.from_iterable(
        itertools.combinations(range(len(spans)), size) for size in range(len(spans) + 1)
    )
    return max(
        sum(weights[place] for place in subset)
        for subset in subsets
        if not any(clash(spans[i], spans[j]) for i, j in itertools.combinations(subset, 2))
    )


@pytest.mark.parametrize(("choose", "clash"), [(heaviest_apart, overlap), (heaviest_nested, cross)])
@settings(deadline=None)  # a busy machine is no failure
@given(spans=SPANS, data=st.data())
def test_no_subset_is_heavier(choose, clash, spans: set[Range], data: st.DataObject) -> None:
    ordered = data.draw(st.permutations(sorted(spans)))
    weights = [float(data.draw(st.integers(1, 20))) for _ in ordered]
    kept = choose(ordered, weights)
    assert kept == sorted(set(kept))
    chosen = [ordered[place] for place in kept]
    assert not any(clash(left, right) for left, right in itertools.combinations(chosen, 2))
    total = sum(weights[place] for place in kept)
    assert total == heaviest_of_all(ordered, weights, clash)


def test_a_heavy_span_wins_over_a_light_one_before_it() -> None:
    """The replaced systems' decoder cannot skip a candidate and returns the first."""
    assert heaviest_apart([(1, 3), (2, 5)], [1.0, 10.0]) == [1]


def test_two_short_spans_win_over_a_heavier_long_one() -> None:
    assert heaviest_apart([(0, 6), (0, 3), (3, 6)], [5.0, 3.0, 3.0]) == [1, 2]


def test_spans_that_touch_do_not_overlap() -> None:
    assert heaviest_apart([(0, 2), (2, 4)], [1.0, 1.0]) == [0, 1]


def test_of_no_spans_none_is_kept() -> None:
    assert heaviest_apart([], []) == []
    assert heaviest_nested([], []) == []


def test_of_two_labels_of_one_range_only_one_is_kept() -> None:
    assert heaviest_apart([(0, 2), (0, 2)], [1.0, 2.0]) == [1]


def test_what_lies_within_is_kept_when_nested() -> None:
    spans = [(0, 9), (0, 4), (1, 3), (4, 9), (3, 6)]
    assert heaviest_nested(spans, [1.0, 1.0, 1.0, 1.0, 1.5]) == [0, 1, 2, 3]


def test_a_long_text_full_of_spans_is_solved() -> None:
    rng = random.Random(0)
    spans = [(start, start + width) for start in range(200) for width in range(1, 12)]
    weights = [rng.random() for _ in spans]
    apart, nested = heaviest_apart(spans, weights), heaviest_nested(spans, weights)
    # every span of one position is worth something and crosses nothing
    assert {place for place, (start, end) in enumerate(spans) if end - start == 1} <= set(nested)
    assert sum(weights[place] for place in nested) > sum(weights[place] for place in apart)


def test_what_no_reading_can_hold_together_is_found() -> None:
    whole, inside, across = Entity(0, 4, "A"), Entity(1, 3, "B"), Entity(2, 6, "A")
    assert first_conflict([inside, whole], nested=False) == (whole, inside)
    assert first_conflict([inside, whole], nested=True) is None
    assert first_conflict([whole, inside, across], nested=True) == (whole, across)
    again = Entity(0, 4, "B")
    assert first_conflict([again, whole], nested=True) == (whole, again)
    assert first_conflict([], nested=True) is None
