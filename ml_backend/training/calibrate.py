"""Choosing a version's calibration on dev: the curve that foretells unseen documents best, and
the probability from which an entity is worth telling."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize

from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.calibration import Calibration
from ml_backend.tagger.curves import Curve, Isotonic, Temperature, Unchanged, logit, sigmoid
from ml_backend.training.document_confidence import weighed
from ml_backend.training.evaluate import judge
from ml_backend.training.reliability import (
    Outcomes,
    Readings,
    document_outcomes,
    log_loss,
    span_outcomes,
)

Floats = NDArray[np.float64]
CalibrationName = Literal["auto", "temperature", "isotonic", "none"]
DoubtfulName = Literal["leave", "tell"]

LEASTS = tuple(step / 40 for step in range(8, 21))  # 0.2 to 0.5
GAIN = 0.001  # of dev's F1, from which entities are left out
FEWEST = 500  # entities on dev below which none is

# Right outcomes, and wrong ones, below which a curve is not fitted. A free one needs more, and
# from few outcomes it would make many probabilities equal, which selection could not sort.
LEAST = {Temperature.kind: 10, Isotonic.kind: 50}


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The curves, and the log-loss of each candidate on documents that it was not fitted to."""

    calibration: Calibration
    held_out: dict[str, dict[str, float]]  # "spans" and "documents": kind → log-loss


def calibrate(
    documents: Sequence[GoldDocument],
    readings: Readings,
    name: CalibrationName,
    *,
    doubtful: DoubtfulName = "tell",
) -> Calibrated:
    """Fit the curves to what an uncalibrated tagger said about documents with gold.

    `auto` chooses between leaving them, temperature and isotonic, for spans and documents apart,
    and for documents between these and weighing the signs of a whole one.
    With `doubtful` "leave", entities are left out where that pays.
    """
    spans, spans_loss = fitted(span_outcomes(documents, readings), name)
    least = worth_telling(documents, readings, spans) if doubtful == "leave" else 0.0
    of_spans = Calibration(spans, least=least)
    told = of_spans.tell(readings)
    curve, loss = fitted(document_outcomes(documents, told), name)
    made = replace(of_spans, documents=curve)
    found = weighed(documents, told) if name == "auto" else None
    if found is not None:
        loss["weighed"] = found[1]
        if loss["weighed"] == min(loss.values()):
            made = replace(of_spans, whole=found[0])
    return Calibrated(made, {"spans": spans_loss, "documents": loss})


def worth_telling(documents: Sequence[GoldDocument], readings: Readings, spans: Curve) -> float:
    """The calibrated probability from which entities are to be told for the best F1; 0 for all
    of them, where dev is small or leaving some out does not gain GAIN."""
    if sum(len(reading.entities) for reading in readings) < FEWEST:
        return 0.0
    found = {
        least: judge(documents, Calibration(spans, least=least).apply(readings)).micro.f1
        for least in (0.0, *LEASTS)
    }
    best = max(LEASTS, key=found.__getitem__)
    return best if found[best] >= found[0.0] + GAIN else 0.0


def fitted(outcomes: Outcomes, name: CalibrationName) -> tuple[Curve, dict[str, float]]:
    """The curve of this name, or with `auto` the one of the least held-out log-loss, and each
    candidate's; unchanged where too little came true or too little did not."""
    right = int(outcomes.right.sum())
    scarce = min(right, len(outcomes) - right)
    fits = {kind: fit for kind, fit in _FITS.items() if scarce >= LEAST.get(kind, 0)}
    if name == "none" or (name != "auto" and name not in fits) or len(fits) == 1:
        return Unchanged(), {}
    losses = {kind: held_out_log_loss(outcomes, fit) for kind, fit in fits.items()}
    best = min(losses, key=losses.__getitem__) if name == "auto" else name
    return fits[best](outcomes), losses


def held_out_log_loss(outcomes: Outcomes, fit: Callable[[Outcomes], Curve]) -> float:
    """Five-fold cross-validation; what was said about one duplicate group stays together."""
    folds = outcomes.folds()
    total = 0.0
    for fold in np.unique(folds):
        unseen = outcomes.chosen(folds == fold)
        curve = fit(outcomes.chosen(folds != fold))
        said = Outcomes(curve(unseen.probabilities), unseen.right, unseen.groups)
        total += log_loss(said) * len(unseen)
    return total / len(outcomes)


def fit_temperature(outcomes: Outcomes) -> Temperature:
    """Maximum likelihood of temperature and bias; the problem is convex in 1/T and bias."""
    logits, right = logit(outcomes.probabilities), outcomes.right.astype(np.float64)

    def loss(point: Floats) -> tuple[float, Floats]:
        scaled = logits * point[0] + point[1]
        value = np.logaddexp(0, scaled) - right * scaled
        wrong = sigmoid(scaled) - right
        return float(value.mean()), np.array([(wrong * logits).mean(), wrong.mean()])

    bounds = [(1e-2, 1e2), (-20.0, 20.0)]
    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return Temperature(1 / float(found.x[0]), float(found.x[1]))


def fit_isotonic(outcomes: Outcomes) -> Isotonic:
    """Pooled adjacent violators, each block a point at its centre, lines between the centres
    (Oron and Flournoy 2017), half a right and half a wrong outcome added to each."""
    x, place = np.unique(outcomes.probabilities, return_inverse=True)
    count = np.bincount(place).astype(np.float64)
    right = np.bincount(place, outcomes.right.astype(np.float64))
    first = isotonic_regression(right / count, weights=count).blocks[:-1]
    count_in, right_in = np.add.reduceat(count, first), np.add.reduceat(right, first)
    centre = np.add.reduceat(x * count, first) / count_in
    # what was added may make small neighbours fall again
    level = isotonic_regression((right_in + 0.5) / (count_in + 1), weights=count_in).x
    return Isotonic(tuple(centre.tolist()), tuple(level.tolist()))


def _unchanged(outcomes: Outcomes) -> Unchanged:
    return Unchanged()


_FITS: dict[str, Callable[[Outcomes], Curve]] = {
    Unchanged.kind: _unchanged,
    Temperature.kind: fit_temperature,
    Isotonic.kind: fit_isotonic,
}
