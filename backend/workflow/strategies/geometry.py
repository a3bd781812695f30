"""Distances between many vectors, as the strategies of diversity need them."""

import numpy as np

from backend.workflow.strategies.features import Floats

DIMENSIONS = 128  # distances within about 10 % of the true ones (Johnson and Lindenstrauss 1984)
ROWS_AT_ONCE = 4096
SEED = 20090720  # of the projection: the same for candidates and for what is known


def needed(array: Floats | None, strategy: str, what: str) -> Floats:
    """The array in single precision; raises ValueError where there is none."""
    if array is None:
        raise ValueError(f"strategy {strategy} needs {what}")
    return np.ascontiguousarray(array, dtype=np.float32)


def narrow(vectors: Floats) -> Floats:
    """(n, d) -> (n, at most DIMENSIONS): a random projection that keeps distances nearly."""
    width = vectors.shape[1]
    if width <= DIMENSIONS:
        return vectors
    random = np.random.default_rng([SEED, width])
    base = random.standard_normal((width, DIMENSIONS), dtype=np.float32)
    return np.asarray(vectors @ (base / np.float32(np.sqrt(DIMENSIONS))))


def squared_distances(vectors: Floats, norms: Floats, row: int) -> Floats:
    """Of every vector to that of one row, given the squared norms: (n,)"""
    found = norms - 2 * (vectors @ vectors[row]) + norms[row]
    found[row] = 0
    return np.asarray(np.maximum(found, 0))


def nearest_known(vectors: Floats, known: Floats | None) -> Floats:
    """Squared distance of every vector to the nearest known one, infinite without any: (n,)"""
    nearest = np.full(len(vectors), np.inf, dtype=np.float32)
    if known is None or not len(known):
        return nearest
    norms = np.square(known).sum(axis=1)  # (m,)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        some = vectors[start : start + ROWS_AT_ONCE]
        products = norms - 2 * (some @ known.T)  # (rows, m)
        found = products.min(axis=1) + np.square(some).sum(axis=1)
        nearest[start : start + ROWS_AT_ONCE] = np.maximum(found, 0)
    return nearest
