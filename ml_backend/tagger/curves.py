"""Monotone curves from a head's own probabilities to calibrated ones.

They never fall, so that what was more probable than something else stays at least as probable.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

EDGE = 1e-12  # probabilities are kept this far from 0 and 1 where a logarithm is taken

Probabilities = NDArray[np.float64]


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


UNCHANGED = Unchanged()


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
