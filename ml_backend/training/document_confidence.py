"""Learning on dev how much each sign of a document's being right weighs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.curves import sigmoid
from ml_backend.tagger.document_confidence import OWN, DocumentConfidence, Signs, Told, signs
from ml_backend.training.reliability import (
    Outcomes,
    document_outcomes,
    log_loss,
    wholly_annotated,
)

LEAST = 25  # right outcomes, and wrong ones, below which nothing is learned
SPREAD = 2.0  # of each weight around the head's own, before any outcome is seen

Floats = NDArray[np.float64]


def weighed(
    documents: Sequence[GoldDocument], told: Sequence[Told]
) -> tuple[DocumentConfidence, float] | None:
    """The weights, and their log-loss on documents that they were not fitted to; None where too
    little came out right or too little did not."""
    outcomes = document_outcomes(documents, told)
    right = int(outcomes.right.sum())
    if min(right, len(outcomes) - right) < LEAST:
        return None
    found = signs([one for _, one in wholly_annotated(documents, told)])
    said = np.zeros(len(outcomes))
    folds = outcomes.folds()
    for fold in np.unique(folds):
        unseen = folds == fold
        fitted = fit_weights(found[~unseen], outcomes.right[~unseen])
        said[unseen] = sigmoid(found[unseen] @ fitted.weights)
    held_out = log_loss(Outcomes(said, outcomes.right, outcomes.groups))
    return fit_weights(found, outcomes.right), held_out


def fit_weights(found: Signs, right: NDArray[np.bool_]) -> DocumentConfidence:
    """The most probable weights, if each was normal around the head's own with SPREAD before.

    So a sign that never came with a right document, or always, has a weight all the same.
    """
    came, before = right.astype(np.float64), OWN.weights

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds, away = found @ weights, (weights - before) / SPREAD
        value = (np.logaddexp(0, odds) - came * odds).sum() + (away @ away) / 2
        return float(value), found.T @ (sigmoid(odds) - came) + away / SPREAD

    best = minimize(loss, before, jac=True, method="L-BFGS-B")
    return DocumentConfidence(*best.x.tolist())
