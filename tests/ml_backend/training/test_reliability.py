"""Calibration error and log-loss against what they are by definition."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss as sklearn_log_loss

from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.heads.head import Decoded
from ml_backend.training.reliability import (
    Outcomes,
    document_outcomes,
    log_loss,
    reliability,
    span_outcomes,
)
from ml_backend.training.reliability_plot import draw

said = st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=1, max_size=60)


def outcomes(pairs: list[tuple[float, bool]]) -> Outcomes:
    return Outcomes(
        np.array([p for p, _ in pairs]),
        np.array([right for _, right in pairs]),
        np.arange(len(pairs)),
    )


def document(name: str, text: str, *entities: Entity, missing: set[str] = frozenset()):
    return GoldDocument(name, name, text, list(entities), frozenset(missing))


@given(said)
def test_log_loss_is_that_of_scikit_learn(pairs: list[tuple[float, bool]]) -> None:
    expected = sklearn_log_loss([r for _, r in pairs], [p for p, _ in pairs], labels=[False, True])
    assert log_loss(outcomes(pairs)) == pytest.approx(expected)


@given(said)
def test_bins_have_equal_mass_and_make_up_the_error(pairs: list[tuple[float, bool]]) -> None:
    found = reliability(outcomes(pairs))
    counts = [each.count for each in found.bins]
    assert len(counts) == min(15, len(pairs))
    assert sum(counts) == len(pairs)
    assert max(counts) - min(counts) <= 1
    assert [b.probability for b in found.bins] == sorted(b.probability for b in found.bins)
    # the definition, by hand
    ordered = sorted(pairs, key=lambda pair: pair[0])
    error, at = 0.0, 0
    for count in counts:
        part = ordered[at : at + count]
        at += count
        error += abs(sum(p for p, _ in part) - sum(r for _, r in part)) / len(pairs)
    assert found.expected_calibration_error == pytest.approx(error)


def test_a_certain_mistake_costs_much_but_not_without_end() -> None:
    assert 20 < log_loss(outcomes([(1.0, False)])) < math.inf


def test_nothing_said_is_no_error() -> None:
    found = reliability(outcomes([]))
    assert (found.count, found.expected_calibration_error, found.log_loss) == (0, 0.0, 0.0)
    assert found.bins == []


def test_overconfidence_is_measured() -> None:
    pairs = [(0.9, number % 10 < 6) for number in range(300)]
    assert reliability(outcomes(pairs)).expected_calibration_error == pytest.approx(0.3)


def test_what_counts_as_right() -> None:
    gold = [
        document("a", "abcdef", Entity(0, 2, "X"), Entity(3, 5, "Y")),
        document("b", "abcdef", Entity(0, 2, "X"), missing={"Y"}),
        document("c", ""),
        document("d", "abc"),
    ]
    readings = [
        Decoded([Entity(0, 2, "X", 0.9), Entity(3, 6, "Y", 0.8)], 0.7),
        Decoded([Entity(0, 2, "X", 0.6), Entity(3, 6, "Y", 0.5)], 0.4),
        Decoded([], 1.0),
        Decoded([], 0.3),
    ]
    spans = span_outcomes(gold, readings)
    assert spans.probabilities.tolist() == [0.9, 0.8, 0.6]
    assert spans.right.tolist() == [True, False, True]
    assert spans.groups.tolist() == [0, 0, 1]
    # b was not annotated with Y, and of c nothing can be wrong
    whole = document_outcomes(gold, readings)
    assert whole.probabilities.tolist() == [0.7, 0.3]
    assert whole.right.tolist() == [False, True]


def test_the_plot_is_a_png(tmp_path: Path) -> None:
    found = reliability(outcomes([(0.1 * n, n > 4) for n in range(1, 10)]))
    draw({"entities": found, "documents": reliability(outcomes([]))}, tmp_path / "new" / "plot.png")
    content = (tmp_path / "new" / "plot.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 5000
