"""How often a version is exactly right against how much it labels, at every threshold.

The picture behind a promise, read off the same certify gold. Its bounds are of one point each
(Clopper and Pearson, 1934): the promise itself is certified by `promise.certify`, which pays for
having looked at many.
"""

from collections.abc import Sequence
from typing import Any

from scipy.special import betaincinv

from backend.workflow.autolabels.promise import Outcome, grid


def curve(outcomes: Sequence[Outcome], delta: float) -> list[dict[str, Any]]:
    """A point for each threshold that takes in more documents than the one before it.

    `tested` documents are that confident, `right` of them exactly right; with confidence
    1 - delta the true share is at least `lower`.
    """
    points: list[dict[str, Any]] = []
    for threshold in grid():
        taken = [outcome.right for outcome in outcomes if outcome.confidence >= threshold]
        if not taken or (points and points[-1]["tested"] == len(taken)):
            continue
        right = sum(taken)
        lower = float(betaincinv(right, len(taken) - right + 1, delta)) if right else 0.0
        points.append(
            {"threshold": threshold, "tested": len(taken), "right": right, "lower": lower}
        )
    return points
