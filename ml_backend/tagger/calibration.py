"""Probabilities that mean what they say: monotone curves from a head's own to calibrated ones.

A version has one curve for its entities and one for its documents, chosen on dev (see
`ml_backend.training.calibrate`) and applied after the windows of a text were merged. The curves
never fall, so that what was more probable than something else stays at least as probable.

The most probable reading is not the one of the best F1: an entity that is probably wrong costs
precision more than it brings recall. Where that pays on dev, a version leaves those out that are
less probable than half of the F1 or so (Ye et al. 2012, arXiv:1206.4625).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ml_backend.contract.entity import Entity
from ml_backend.tagger.heads.head import Decoded

EDGE = 1e-12  # probabilities are kept this far from 0 and 1 where a logarithm is taken

Probabilities = NDArray[np.float64]


class Reading(Protocol):
    """A text's entities, and the probability that all of it is right."""

    @property
    def entities(self) -> list[Entity]: ...

    @property
    def confidence(self) -> float: ...


class Curve(Protocol):
    """A map from probabilities to probabilities that never falls."""

    kind: ClassVar[str]

    def __call__(self, probabilities: Probabilities) -> Probabilities:
        """The calibrated probabilities, of the same shape."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """As JSON, which `curve_from_dict` reads."""
        ...


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Probabilities as the head gave them."""

    kind: ClassVar[str] = "none"

    def __call__(self, probabilities: Probabilities) -> Probabilities:
        return probabilities

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind}


@dataclass(frozen=True, slots=True)
class Temperature:
    """The logit divided by a temperature, plus a bias (Guo et al. 2017; Platt 1999).

    Raises ValueError for a temperature that is not above 0 or a number that is not finite.
    """

    kind: ClassVar[str] = "temperature"
    temperature: float
    bias: float

    def __post_init__(self) -> None:
        if not (0 < self.temperature < np.inf and np.isfinite(self.bias)):
            raise ValueError(f"no calibration: temperature {self.temperature}, bias {self.bias}")

    def __call__(self, probabilities: Probabilities) -> Probabilities:
        return sigmoid(logit(probabilities) / self.temperature + self.bias)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "temperature": self.temperature, "bias": self.bias}


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Straight lines between points, level beyond the first and the last.

    Raises ValueError where `probabilities` do not rise or `calibrated` fall.
    """

    kind: ClassVar[str] = "isotonic"
    probabilities: tuple[float, ...]
    calibrated: tuple[float, ...]

    def __post_init__(self) -> None:
        x, y = np.asarray(self.probabilities), np.asarray(self.calibrated)
        rising = len(x) == len(y) > 0 and bool((np.diff(x) > 0).all() and (np.diff(y) >= 0).all())
        if not rising or not (y[0] >= 0 and y[-1] <= 1):
            raise ValueError(f"no calibration: from {self.probabilities} to {self.calibrated}")

    def __call__(self, probabilities: Probabilities) -> Probabilities:
        return np.interp(probabilities, self.probabilities, self.calibrated)

    def to_dict(self) -> dict[str, Any]:
        points = {"probabilities": list(self.probabilities), "calibrated": list(self.calibrated)}
        return {"kind": self.kind, **points}


@dataclass(frozen=True, slots=True)
class Calibration:
    """The two curves of a version, and `least`, the calibrated probability from which an entity
    is told."""

    spans: Curve = Unchanged()
    documents: Curve = Unchanged()
    least: float = 0.0

    def apply(self, readings: Sequence[Reading]) -> list[Decoded]:
        """Whole texts' readings with calibrated probabilities and confidence, in order."""
        if self == Calibration():
            return [Decoded(reading.entities, reading.confidence) for reading in readings]
        raw = [entity.probability for reading in readings for entity in reading.entities]
        spans = iter(self.spans(np.array(raw, np.float64)).tolist())
        told = [
            self._told(reading, [next(spans) for _ in reading.entities]) for reading in readings
        ]
        whole = self.documents(np.array([reading.confidence for reading in told], np.float64))
        return [
            Decoded(reading.entities, confidence)
            for reading, confidence in zip(told, whole.tolist(), strict=True)
        ]

    def _told(self, reading: Reading, calibrated: Sequence[float]) -> Decoded:
        """A reading without its entities that are too improbable, the others calibrated.

        Its confidence is still the head's own: without an entity of probability p it is as much
        likelier as that one's absence is, and at most 1 - p.
        """
        entities, confidence = [], reading.confidence
        for entity, probability in zip(reading.entities, calibrated, strict=True):
            if probability >= self.least:
                entities.append(replace(entity, probability=probability))
                continue
            own = max(entity.probability or 0.0, EDGE)
            confidence = min(confidence * (1 - own) / own, 1 - own)
        return Decoded(entities, confidence)

    def to_dict(self) -> dict[str, Any]:
        curves = {"spans": self.spans.to_dict(), "documents": self.documents.to_dict()}
        return {**curves, "least": self.least}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> "Calibration":
        """Read curves; raises ValueError, KeyError or TypeError where they are none."""
        spans, documents = curve_from_dict(record["spans"]), curve_from_dict(record["documents"])
        return cls(spans, documents, float(record.get("least", 0.0)))


def curve_from_dict(record: dict[str, Any]) -> Curve:
    """Read a curve; raises ValueError, KeyError or TypeError where it is none."""
    if record["kind"] == Unchanged.kind:
        return Unchanged()
    if record["kind"] == Temperature.kind:
        return Temperature(float(record["temperature"]), float(record["bias"]))
    if record["kind"] == Isotonic.kind:
        return Isotonic(tuple(record["probabilities"]), tuple(record["calibrated"]))
    raise ValueError(f"no calibration is called {record['kind']!r}")


def logit(probabilities: Probabilities) -> Probabilities:
    """log(p / (1 - p)), finite for 0 and 1 too."""
    inside = np.clip(probabilities, EDGE, 1 - EDGE)
    result: Probabilities = np.log(inside) - np.log1p(-inside)
    return result


def sigmoid(logits: Probabilities) -> Probabilities:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(logits))
    result: Probabilities = np.where(logits >= 0, 1.0, small) / (1 + small)
    return result
