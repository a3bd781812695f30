"""Weighing what tells of a whole document."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.tagger.calibration import Calibration
from ml_backend.tagger.curves import logit, sigmoid
from ml_backend.tagger.document_confidence import (
    FURTHEST,
    OWN,
    DocumentConfidence,
    Told,
    signs,
)
from ml_backend.tagger.heads.head import Decoded

shares = st.floats(0, 1)
weights = st.floats(-20, 20)
ratios = st.floats(0.01, 100)
confidences = st.builds(DocumentConfidence, weights, weights, weights, weights, weights, ratios)
entity = Entity(0, 1, "A", 0.8)
told = st.builds(Told, st.sampled_from([[], [entity]]), shares, shares, shares, st.booleans())


def test_signs_are_those_that_the_weights_are_for() -> None:
    documents = [Told([entity], 0.6, 0.1, 0.8, False), Told([], 0.9, 0.9, 0.7, True)]
    expected = [
        [logit(np.array(0.6)), logit(np.array(0.8)), 0, 0, 1],
        [logit(np.array(0.9)), logit(np.array(0.7)), 1, 1, 1],
    ]
    assert signs(documents, 1.0) == pytest.approx(np.array(expected))
    assert signs([], 0.5).shape == (0, 5)
    weighed = DocumentConfidence(1, 2, 3, 4, 5)
    assert (signs(documents, 1.0) @ weighed.weights).tolist() == pytest.approx(
        [row[0] + 2 * row[1] + 3 * row[2] + 4 * row[3] + 5 * row[4] for row in expected]
    )


def test_where_nothing_is_rarer_than_the_head_expects_the_rest_is_likelier() -> None:
    """One entity with 0.6, nothing with 0.3, something else with 0.1; nothing is half as common."""
    found, nothing = signs(
        [Told([entity], 0.6, 0.3, 0.6, False), Told([], 0.3, 0.3, 0.5, False)], 0.5
    )
    assert sigmoid(found[0]) == pytest.approx(0.6 / 0.85)
    assert sigmoid(nothing[0]) == pytest.approx(0.15 / 0.85)


def test_certain_and_impossible_readings_have_finite_signs() -> None:
    certain = [Told([entity], 1.0, 0.0, 0.0, False), Told([], 1.0, 1.0, 1.0, False)]
    assert np.abs(signs(certain, 1e-3)).max() <= FURTHEST


@given(confidences, st.lists(told, max_size=8))
def test_a_confidence_is_a_probability_and_the_same_from_json(
    confidence: DocumentConfidence, documents: list[Told]
) -> None:
    said = confidence(documents)
    assert said.shape == (len(documents),)
    assert ((said >= 0) & (said <= 1)).all()
    again = DocumentConfidence.from_dict(json.loads(json.dumps(confidence.to_dict())))
    assert again == confidence


@given(st.lists(told, max_size=8))
def test_the_heads_own_is_left_as_it_is(documents: list[Told]) -> None:
    assert OWN(documents).tolist() == [one.confidence for one in documents]


@pytest.mark.parametrize("record", [{"own": float("nan")}, {"empty_ratio": 0.0}, {"other": 2.0}])
def test_what_is_no_confidence_is_refused(record: dict[str, float]) -> None:
    with pytest.raises((ValueError, TypeError)):
        DocumentConfidence.from_dict(record)


def test_a_version_weighs_what_it_tells_and_what_it_left_out() -> None:
    weighed = DocumentConfidence(own=0.5, least_sure=0.25, empty=-2.0, left_out=-1.0, bias=0.1)
    calibration = Calibration(least=0.4, whole=weighed)
    sure, doubtful = Entity(0, 1, "A", 0.9), Entity(2, 3, "A", 0.3)
    readings = [Decoded([sure], 0.8), Decoded([doubtful], 0.3), Decoded([], 0.8)]
    one, other, nothing = calibration.apply(readings)
    assert one.entities == [sure]
    assert other.entities == nothing.entities == []
    odds = logit(np.array([0.8, 0.9, 0.7]))  # the second: without its entity, 0.7
    assert one.confidence == pytest.approx(sigmoid(0.5 * odds[0] + 0.25 * odds[1] + 0.1))
    assert other.confidence == pytest.approx(sigmoid(0.75 * odds[2] - 2.0 - 1.0 + 0.1))
    assert nothing.confidence == pytest.approx(sigmoid(0.5 * odds[0] - 2.0 + 0.1))
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


def test_a_version_made_before_there_were_signs_is_read() -> None:
    record = Calibration(least=0.4).to_dict()
    del record["whole"]
    assert Calibration.from_dict(record) == Calibration(least=0.4)
