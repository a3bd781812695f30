"""Diversity by the greedy k-center (Gonzalez 1985; core-sets, Sener and Savarese 2018).

Each document is the one that is furthest from all that were picked and from what people have
seen: no region stays unseen, and what is odd comes first.
"""

import numpy as np

from backend.workflow.strategies.features import Features, Indexes
from backend.workflow.strategies.geometry import (
    nearest_known,
    squared_distances,
    vectors_and_known,
)


def pick(features: Features, k: int) -> Indexes:
    """(k,) indexes, the furthest first; without known vectors that nearest to the mean first."""
    vectors, known = vectors_and_known(features, "k_center")
    norms = np.square(vectors).sum(axis=1)  # (n,)
    nearest = nearest_known(vectors, known)
    if not np.isfinite(nearest).all():
        first = int(np.square(vectors - vectors.mean(axis=0)).sum(axis=1).argmin())
    else:
        first = int(nearest.argmax())
    picked = np.empty(k, dtype=np.int64)
    for place in range(k):
        row = first if place == 0 else int(nearest.argmax())
        picked[place] = row
        nearest = np.minimum(nearest, squared_distances(vectors, norms, row))
        nearest[picked[: place + 1]] = -1  # never again, though another lies on it
    return picked
