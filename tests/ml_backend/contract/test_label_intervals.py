"""Intervals of each label: against the one metric, and against resampling entity by entity."""

import random

import pytest

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_intervals import (
    LabelIntervals,
    label_differences,
    label_intervals,
    outcome,
)
from ml_backend.contract.scoring import bootstrap, score


def generated(count: int, moved: float, seed: int) -> tuple[list[list[Entity]], list[list[Entity]]]:
    """Gold, and the same with a share of the entities moved by one character."""
    rng = random.Random(seed)
    gold = [
        [Entity(at, at + 3, rng.choice("AAB")) for at in range(0, 20, 5) if rng.random() < 0.8]
        for _ in range(count)
    ]
    said = [[Entity(e.start, e.end + (rng.random() < moved), e.label) for e in one] for one in gold]
    return gold, said


def outcomes(gold: list[list[Entity]], said: list[list[Entity]]) -> list[dict[str, list[int]]]:
    return [outcome(*pair) for pair in zip(gold, said, strict=True)]


def test_the_estimates_are_those_of_the_one_metric() -> None:
    gold, said = generated(50, 0.3, 1)
    expected, found = score(gold, said), label_intervals(outcomes(gold, said))
    assert found.micro.f1.estimate == expected.micro.f1
    for label, counts in expected.per_label.items():
        intervals = found.per_label[label]
        assert intervals.precision.estimate == counts.precision
        assert intervals.recall.estimate == counts.recall
        for one in (intervals.precision, intervals.recall, intervals.f1):
            assert one.low <= one.estimate <= one.high


def test_the_interval_is_about_that_of_the_documents_resampled_one_by_one() -> None:
    gold, said = generated(200, 0.3, 2)
    expected, found = bootstrap(gold, said), label_intervals(outcomes(gold, said)).micro.f1
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_a_difference_is_paired() -> None:
    gold, said = generated(200, 0.3, 3)
    worse = [[*one[:-1]] for one in said]  # the last entity of each is missed
    first, second = outcomes(gold, worse), outcomes(gold, said)
    found = label_differences(first, second)
    assert found.micro.f1.low > 0
    assert found.per_label["A"].recall.estimate == pytest.approx(
        score(gold, said).per_label["A"].recall - score(gold, worse).per_label["A"].recall
    )
    same = label_differences(first, first)
    assert (same.micro.f1.low, same.micro.f1.high) == (0.0, 0.0)
    assert label_differences(first, second) == found  # the same each time


def test_nothing_is_a_result_and_different_numbers_are_refused() -> None:
    assert label_intervals([]).micro.f1.estimate == 0.0
    assert label_intervals([{}]).per_label == {}
    with pytest.raises(ValueError, match="expected outcomes of 1 documents, got 0"):
        label_differences([{}], [])


def test_they_come_back_from_json() -> None:
    found = label_intervals(outcomes(*generated(5, 0.5, 4)))
    assert LabelIntervals.from_dict(found.to_dict()) == found
