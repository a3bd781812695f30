"""Diversity by the seeding of k-means++ (Arthur and Vassilvitskii 2007) on encoder vectors.

Each document is drawn with a chance that grows with the square of its distance to what was drawn
before and to what people have seen: all regions are visited, dense ones more often.
"""

import numpy as np

from backend.workflow.strategies.features import Features, Floats, Indexes
from backend.workflow.strategies.geometry import (
    nearest_known,
    squared_distances,
    vectors_and_known,
)


def pick(features: Features, k: int) -> Indexes:
    """(k,) indexes in the order in which they were drawn."""
    vectors, known = vectors_and_known(features, "k_means")
    random = np.random.default_rng(features.seed)
    return seeds(vectors, nearest_known(vectors, known), k, random, features.chances())


def seeds(
    vectors: Floats, nearest: Floats, k: int, random: np.random.Generator, chances: Floats
) -> Indexes:
    """k rows by the seeding of k-means++; `nearest` are squared distances to what is there.

    Without anything there the first is drawn by chance alone, and so is the rest when no row is
    away from what was drawn.
    """
    norms = np.square(vectors).sum(axis=1)  # (n,)
    taken = np.zeros(len(vectors), dtype=bool)
    picked = np.empty(k, dtype=np.int64)
    for place in range(k):
        sums = np.cumsum(nearest, dtype=np.float64)
        if place == 0 and not np.isfinite(sums[-1]):
            row = int(random.integers(len(vectors)))
        elif sums[-1] > 0:
            drawn = min(random.random() * sums[-1], np.nextafter(sums[-1], 0))
            row = int(np.searchsorted(sums, drawn, side="right"))
        else:
            rest = np.flatnonzero(~taken)
            picked[place:] = rest[np.argsort(chances[rest])][: k - place]
            return picked
        picked[place], taken[row] = row, True
        nearest = np.minimum(nearest, squared_distances(vectors, norms, row))
        nearest[row] = 0
    return picked
