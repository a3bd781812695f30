"""Learning on dev how much each sign of a document's being right weighs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.curves import sigmoid
from ml_backend.tagger.document_confidence import (
    OWN,
    SIGNS,
    DocumentConfidence,
    Told,
    chances_of_nothing,
    signs,
)
from ml_backend.training.reliability import (
    Outcomes,
    document_outcomes,
    log_loss,
    wholly_annotated,
)

LEAST = 25  # right outcomes, and wrong ones, below which nothing is learned
SPREAD = 2.0  # of each weight around the head's own, before any outcome is seen

Floats = NDArray[np.float64]
Marks = NDArray[np.bool_]


def weighed(
    documents: Sequence[GoldDocument], told: Sequence[Told]
) -> tuple[DocumentConfidence, float] | None:
    """The weights, and their log-loss on documents that they were not fitted to; None where too
    little came out right or too little did not."""
    outcomes = document_outcomes(documents, told)
    right = outcomes.right
    if min(right.sum(), (~right).sum()) < LEAST:
        return None
    pairs = list(wholly_annotated(documents, told))
    empty = np.array([not document.entities for document, _ in pairs])
    said, folds = np.zeros(len(pairs)), outcomes.folds()
    for fold in np.unique(folds):
        seen, unseen = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        found = fit([pairs[place][1] for place in seen], right[seen], empty[seen])
        said[unseen] = found([pairs[place][1] for place in unseen])
    held_out = log_loss(Outcomes(said, right, outcomes.groups))
    return fit([one for _, one in pairs], right, empty), held_out


def fit(told: Sequence[Told], right: Marks, empty: Marks) -> DocumentConfidence:
    """The most probable weights, if each was normal around the head's own with SPREAD before: so
    a sign that never came with a right document, or always, has a weight all the same.

    `right` says which documents came out so, `empty` in which gold has nothing.
    """
    ratio = (float(empty.sum()) + 0.5) / (float(chances_of_nothing(told).sum()) + 0.5)
    found, came, before = signs(told, ratio), right.astype(np.float64), OWN.weights

    def loss(weights: Floats) -> tuple[float, Floats]:
        odds, away = found @ weights, (weights - before) / SPREAD
        value = (np.logaddexp(0, odds) - came * odds).sum() + (away @ away) / 2
        return float(value), found.T @ (sigmoid(odds) - came) + away / SPREAD

    best = minimize(loss, before, jac=True, method="L-BFGS-B")
    return DocumentConfidence(**dict(zip(SIGNS, best.x.tolist(), strict=True)), empty_ratio=ratio)
