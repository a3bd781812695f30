"""Learning what tells of a whole document: it finds what was planted, by unseen gold."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.document_confidence import (
    OWN,
    DocumentConfidence,
    Told,
    chances_of_nothing,
    signs,
)
from ml_backend.tagger.heads.head import Decoded
from ml_backend.training.calibrate import calibrate
from ml_backend.training.document_confidence import SPREAD, fit, weighed
from ml_backend.training.reliability import document_outcomes, log_loss

PLANTED = DocumentConfidence(own=0.7, least_sure=0.4, empty=-2.5, left_out=-1.5, bias=-0.3)


def some_told(count: int, seed: int = 0) -> list[Told]:
    rng = np.random.default_rng(seed)
    own, least, empty, left = rng.random((4, count))
    return [
        Told([], own[n], own[n], least[n], left[n] < 0.3)
        if empty[n] < 0.2
        else Told([Entity(0, 1, "A", 0.9)], own[n], 0.0, least[n], left[n] < 0.3)
        for n in range(count)
    ]


def gold_for(told: list[Told], right: np.ndarray) -> list[GoldDocument]:
    """Gold in which these documents come out right or not."""
    wrong = [Entity(1, 2, "A")]
    return [
        GoldDocument(str(n), str(n), "abc", list(one.entities) if right[n] else wrong)
        for n, one in enumerate(told)
    ]


def outcomes_of(told: list[Told], seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random(len(told)) < PLANTED(told)


def as_expected(told: list[Told]) -> np.ndarray:
    """As many empty ones as the head expects, so that its probabilities need no correction."""
    return np.arange(len(told)) < round(float(chances_of_nothing(told).sum()))


def test_planted_weights_are_found_and_are_those_of_the_oracle() -> None:
    told = some_told(20_000)
    right = outcomes_of(told)
    found = fit(told, right, as_expected(told))
    assert found.empty_ratio == pytest.approx(1.0, abs=1e-3)
    assert found.weights == pytest.approx(PLANTED.weights, abs=0.15)
    # the oracle's prior is around 0 and leaves out its intercept: next to nothing at this size
    oracle = LogisticRegression(C=SPREAD**2, tol=1e-10).fit(signs(told, 1.0)[:, :4], right)
    assert found.weights[:4] == pytest.approx(oracle.coef_[0], abs=0.01)


def test_nothing_seen_is_the_heads_own_and_what_never_came_has_a_finite_weight() -> None:
    assert fit([], np.zeros(0, bool), np.zeros(0, bool)) == OWN
    told = some_told(2000)
    right = outcomes_of(told) & np.array([bool(one.entities) for one in told])
    found = fit(told, right, np.zeros(2000, bool))
    assert found.empty_ratio < 0.01
    assert -12 < found.empty < 0
    assert max(found([one for one in told if not one.entities])) < 0.2


def test_it_is_judged_on_documents_that_it_was_not_fitted_to() -> None:
    told = some_told(600)
    documents = gold_for(told, outcomes_of(told))
    found, held_out = weighed(documents, told)
    outcomes = document_outcomes(documents, told)
    seen = -np.log(np.where(outcomes.right, found(told), 1 - found(told))).mean()
    assert seen < held_out < log_loss(outcomes)


def test_too_little_gold_weighs_nothing() -> None:
    told = some_told(600)
    assert weighed(gold_for(told, np.arange(600) < 24), told) is None
    assert weighed(gold_for(told, np.arange(600) >= 24), told) is None
    assert weighed([], []) is None


def test_documents_not_annotated_with_every_label_say_nothing() -> None:
    told = some_told(400)
    documents = gold_for(told, outcomes_of(told))
    silent = [GoldDocument("x", "x", "abc", [], frozenset("B"))] * 400
    both = weighed(documents + silent, told + told)
    assert both == weighed(documents, told)


def test_a_version_weighs_where_that_foretells_unseen_documents_better() -> None:
    rng = np.random.default_rng(2)
    empty = rng.random(1500) < 0.2
    readings = [
        Decoded([] if none else [Entity(0, 1, "A", p)], p)
        for none, p in zip(empty, rng.beta(4, 1, 1500), strict=True)
    ]
    # what finds nothing is never right; the head, who cannot know it, is as sure as elsewhere
    right = np.array([rng.random() < one.confidence for one in readings]) & ~empty
    documents = gold_for(readings, right)
    made = calibrate(documents, readings, "auto")
    losses = made.held_out["documents"]
    assert losses["weighed"] == min(losses.values())
    said = made.calibration.apply(readings)
    assert max(one.confidence for one in said if not one.entities) < 0.3
    assert np.mean([one.confidence for one in said]) == pytest.approx(right.mean(), abs=0.03)
    for name in ("none", "temperature", "isotonic"):
        assert calibrate(documents, readings, name).calibration.whole == OWN


def test_a_head_that_knows_all_is_left_alone_or_nearly() -> None:
    rng = np.random.default_rng(3)
    readings = [Decoded([Entity(0, 1, "A", p)], p) for p in rng.beta(2, 1, 3000)]
    documents = gold_for(readings, np.array([rng.random() < one.confidence for one in readings]))
    said = calibrate(documents, readings, "auto").calibration.apply(readings)
    away = [
        abs(after.confidence - one.confidence) for after, one in zip(said, readings, strict=True)
    ]
    assert max(away) < 0.05
