"""Calibration curves: monotone, and the same after a round trip through JSON."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.tagger.calibration import Calibration
from ml_backend.tagger.curves import (
    Curve,
    Isotonic,
    Temperature,
    Unchanged,
    curve_from_dict,
    logit,
    sigmoid,
)
from ml_backend.tagger.heads.head import Decoded

shares = st.floats(0, 1)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    kind = draw(st.sampled_from(["none", "temperature", "isotonic"]))
    if kind == "none":
        return Unchanged()
    if kind == "temperature":
        return Temperature(draw(st.floats(0.01, 100)), draw(st.floats(-5, 5)))
    x = sorted(draw(st.sets(shares, min_size=1, max_size=6)))
    y = sorted(draw(st.lists(shares, min_size=len(x), max_size=len(x))))
    return Isotonic(tuple(x), tuple(y))


@given(curves(), st.lists(shares, min_size=1, max_size=20))
def test_a_curve_never_falls_and_stays_within_0_and_1(curve: Curve, values: list[float]) -> None:
    calibrated = curve(np.array(sorted(values)))
    assert ((calibrated >= 0) & (calibrated <= 1)).all()
    assert (np.diff(calibrated) >= -1e-12).all()


@given(curves(), st.lists(shares, max_size=20))
def test_a_curve_is_the_same_from_json(curve: Curve, values: list[float]) -> None:
    again = curve_from_dict(json.loads(json.dumps(curve.to_dict())))
    assert again == curve
    assert (again(np.array(values)) == curve(np.array(values))).all()


def test_logit_and_sigmoid_are_inverse_and_finite_at_the_ends() -> None:
    p = np.array([0.0, 1e-9, 0.2, 0.5, 0.999, 1.0])
    assert np.isfinite(logit(p)).all()
    assert sigmoid(logit(p)) == pytest.approx(p, abs=1e-11)
    assert sigmoid(np.array([-1e4, 1e4])).tolist() == [0.0, 1.0]


def test_temperature_two_halves_the_logit() -> None:
    odds = Temperature(2.0, 0.0)(np.array([0.9]))[0]
    assert odds / (1 - odds) == pytest.approx(3.0)  # from 9


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "temperature", "temperature": 0.0, "bias": 0.0},
        {"kind": "temperature", "temperature": 1.0, "bias": float("nan")},
        {"kind": "isotonic", "probabilities": [], "calibrated": []},
        {"kind": "isotonic", "probabilities": [0.1, 0.1], "calibrated": [0.1, 0.2]},
        {"kind": "isotonic", "probabilities": [0.1, 0.2], "calibrated": [0.3, 0.2]},
        {"kind": "isotonic", "probabilities": [0.1], "calibrated": [1.2]},
        {"kind": "beta"},
    ],
)
def test_what_is_no_curve_is_refused(record: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no calibration"):
        curve_from_dict(record)


def test_spans_and_documents_have_their_own_curves_and_readings_keep_their_order() -> None:
    calibration = Calibration(Isotonic((0.0, 1.0), (0.0, 0.5)), Isotonic((0.0, 1.0), (0.5, 1.0)))
    readings = [
        Decoded([Entity(0, 1, "A", 0.8), Entity(1, 3, "B", 0.4)], 0.6),
        Decoded([], 1.0),
        Decoded([Entity(0, 2, "A", 1.0)], 0.0),
    ]
    applied = calibration.apply(readings)
    assert [reading.entities for reading in applied] == [r.entities for r in readings]
    said = [[e.probability for e in reading.entities] for reading in applied]
    assert said == [[0.4, 0.2], [], [0.5]]
    assert [reading.confidence for reading in applied] == [0.8, 1.0, 0.5]
    assert Calibration.from_dict(calibration.to_dict()) == calibration


def test_an_entity_that_is_too_improbable_is_not_told_and_the_confidence_follows() -> None:
    calibration = Calibration(Isotonic((0.0, 1.0), (0.0, 0.5)), least=0.2)
    sure, doubtful = Entity(0, 1, "A", 0.8), Entity(1, 3, "B", 0.3)
    (told,) = calibration.apply([Decoded([sure, doubtful], 0.24)])
    assert told.entities == [sure]
    assert told.entities[0].probability == pytest.approx(0.4)
    assert told.confidence == pytest.approx(0.24 * 0.7 / 0.3)
    (never_more,) = calibration.apply([Decoded([doubtful], 0.3 + 1e-9)])
    assert never_more.confidence <= 0.7
    assert Calibration.from_dict(calibration.to_dict()) == calibration
