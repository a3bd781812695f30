"""Choosing a calibration: it finds what was distorted, and leaves alone what was not."""

import random

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.curves import Isotonic, Temperature, Unchanged, logit, sigmoid
from ml_backend.tagger.heads.head import Decoded
from ml_backend.training.calibrate import (
    calibrate,
    fit_isotonic,
    fit_temperature,
    fitted,
    worth_telling,
)
from ml_backend.training.evaluate import judge
from ml_backend.training.reliability import Outcomes, log_loss, reliability


def distorted(count: int, distort, *, seed: int = 0, groups: int = 0) -> Outcomes:
    """True probabilities drawn at random, outcomes by them, and what a distorted tagger says."""
    rng = np.random.default_rng(seed)
    true = rng.beta(2, 1, count)
    right = rng.random(count) < true
    return Outcomes(distort(true), right, np.arange(count) % (groups or count))


def overconfident(true):
    return sigmoid(2.5 * logit(true) + 0.7)


def bent(true):
    """What no temperature mends: half of what is likely is said to be nearly certain."""
    return np.where(true > 0.5, 0.9 + 0.1 * true, 0.05 * true)


def test_temperature_finds_the_distortion_and_is_the_maximum_of_the_likelihood() -> None:
    outcomes = distorted(20_000, overconfident)
    curve = fit_temperature(outcomes)
    assert curve.temperature == pytest.approx(2.5, rel=0.05)
    assert curve.bias == pytest.approx(-0.7 / 2.5, abs=0.05)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(
        logit(outcomes.probabilities)[:, None], outcomes.right
    )
    assert 1 / curve.temperature == pytest.approx(oracle.coef_[0, 0], abs=1e-3)
    assert curve.bias == pytest.approx(oracle.intercept_[0], abs=1e-3)


def test_isotonic_blocks_are_those_of_scikit_learn() -> None:
    outcomes = distorted(4000, bent)
    curve = fit_isotonic(outcomes)
    oracle = IsotonicRegression().fit_transform(outcomes.probabilities, outcomes.right)
    levels, counts = np.unique(oracle, return_counts=True)
    # half a right and half a wrong one were added to each block
    smoothed = (levels * counts + 0.5) / (counts + 1)
    assert len(curve.calibrated) == len(levels)
    middle = slice(2, -2)  # small blocks at the ends may have been joined again
    assert np.array(curve.calibrated)[middle] == pytest.approx(smoothed[middle], abs=0.02)
    assert curve.calibrated[0] > 0
    assert curve.calibrated[-1] < 1


def test_ties_are_one_point() -> None:
    outcomes = Outcomes(np.full(40, 0.9), np.arange(40) % 4 > 0, np.arange(40))
    curve = fit_isotonic(outcomes)
    assert curve.probabilities == pytest.approx((0.9,))
    assert curve(np.array([0.1, 0.9])).tolist() == pytest.approx([30.5 / 41] * 2)


@pytest.mark.parametrize(("distort", "kind"), [(overconfident, Temperature), (bent, Isotonic)])
def test_the_better_one_is_chosen_and_mends_unseen_statements(distort, kind) -> None:
    curve, losses = fitted(distorted(4000, distort), "auto")
    assert isinstance(curve, kind)
    assert losses[kind.kind] == min(losses.values())
    assert set(losses) == {"none", "temperature", "isotonic"}
    unseen = distorted(20_000, distort, seed=1)
    after = Outcomes(curve(unseen.probabilities), unseen.right, unseen.groups)
    assert reliability(unseen).expected_calibration_error > 0.08
    assert reliability(after).expected_calibration_error < 0.03
    assert log_loss(after) < log_loss(unseen)


def test_what_is_calibrated_stays_as_it_is_or_nearly() -> None:
    curve, _ = fitted(distorted(4000, lambda true: true), "auto")
    grid = np.linspace(0.02, 0.98, 49)
    assert curve(grid) == pytest.approx(grid, abs=0.03)


def test_one_document_is_never_on_both_sides() -> None:
    """Each group says one thing many times: only curves that saw it could foretell it."""
    rng = random.Random(0)
    said = [(rng.random(), rng.random() < 0.5, group) for group in range(60)]
    rows = [row for row in said for _ in range(30)]
    outcomes = Outcomes(
        np.array([p for p, _, _ in rows]),
        np.array([right for _, right, _ in rows]),
        np.array([group for _, _, group in rows]),
    )
    together = fitted(outcomes, "auto")[1]["isotonic"]
    apart = Outcomes(outcomes.probabilities, outcomes.right, np.arange(len(rows)))
    assert fitted(apart, "auto")[1]["isotonic"] < together


@pytest.mark.parametrize("name", ["auto", "temperature", "isotonic"])
def test_too_little_gold_changes_nothing(name) -> None:
    few = Outcomes(np.full(500, 0.6), np.arange(500) < 9, np.arange(500))
    assert fitted(few, name) == (Unchanged(), {})


def test_a_free_curve_needs_more_than_a_temperature() -> None:
    said = distorted(2000, bent)
    right, wrong = np.flatnonzero(said.right), np.flatnonzero(~said.right)
    some = said.chosen(np.isin(np.arange(2000), [*right[:300], *wrong[:49]]))
    assert isinstance(fitted(some, "auto")[0], Temperature)
    assert fitted(some, "isotonic") == (Unchanged(), {})
    more = said.chosen(np.isin(np.arange(2000), [*right[:300], *wrong[:50]]))
    assert isinstance(fitted(more, "isotonic")[0], Isotonic)


def test_a_name_is_obeyed() -> None:
    outcomes = distorted(2000, overconfident)
    assert fitted(outcomes, "none") == (Unchanged(), {})
    assert isinstance(fitted(outcomes, "isotonic")[0], Isotonic)
    assert isinstance(fitted(outcomes, "temperature")[0], Temperature)


def test_spans_and_documents_are_fitted_apart() -> None:
    rng = random.Random(4)
    documents, readings = [], []
    for number in range(400):
        right = rng.random() < 0.6
        gold = Entity(0, 2, "A") if right else Entity(0, 1, "A")
        documents.append(GoldDocument(str(number), str(number), "abc", [gold]))
        readings.append(Decoded([Entity(0, 2, "A", 0.98)], 0.1))
    made = calibrate(documents, readings, "temperature").calibration
    applied = made.apply(readings)[0]
    assert applied.entities[0].probability == pytest.approx(0.6, abs=0.06)
    assert applied.confidence == pytest.approx(0.6, abs=0.06)


def test_entities_that_cost_more_than_they_bring_are_left_out_where_dev_is_large() -> None:
    rng = random.Random(3)
    documents, readings = [], []
    for number in range(400):  # two sure entities, and one that is right one time in five
        gold = [Entity(0, 1, "A"), Entity(2, 3, "A")]
        if rng.random() < 0.2:
            gold.append(Entity(4, 5, "A"))
        found = [Entity(place, place + 1, "A", 0.9) for place in (0, 2)]
        found.append(Entity(4, 5, "A", 0.35))
        documents.append(GoldDocument(str(number), str(number), "abcdefgh", gold))
        readings.append(Decoded(found, 0.35))
    made = calibrate(documents, readings, "auto", doubtful="leave").calibration
    assert made.least > 0
    told = made.apply(readings)
    assert {len(reading.entities) for reading in told} == {2}
    assert judge(documents, told).micro.f1 > judge(documents, readings).micro.f1 + 0.05
    # without the doubtful one the reading is right four times in five
    assert told[0].confidence == pytest.approx(0.8, abs=0.1)

    assert calibrate(documents, readings, "auto").calibration.least == 0
    few = calibrate(documents[:100], readings[:100], "auto", doubtful="leave")
    assert few.calibration.least == 0


def test_nothing_is_left_out_where_that_gains_nothing() -> None:
    documents = [
        GoldDocument(str(number), str(number), "ab", [Entity(0, 1, "A")]) for number in range(600)
    ]
    readings = [Decoded([Entity(0, 1, "A", 0.3)], 0.3)] * 600
    assert worth_telling(documents, readings, Unchanged()) == 0
