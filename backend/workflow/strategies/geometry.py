"""Distances between many vectors, as the strategies of diversity need them."""

import numpy as np

from backend.workflow.strategies.features import Features, Floats

DIMENSIONS = 128  # distances off by 6 % mostly (Johnson and Lindenstrauss 1984)
FEW_DIMENSIONS, MANY = 64, 30_000  # 9 %, from so many candidates on: time goes with both
ROWS_AT_ONCE = 4096
SEED = 20090720  # of the projection: the same for candidates and for what is known


def needed(array: Floats | None, strategy: str, what: str) -> Floats:
    """The array in single precision; raises ValueError where there is none."""
    if array is None:
        raise ValueError(f"strategy {strategy} needs {what}")
    return np.ascontiguousarray(array, dtype=np.float32)


def narrow(vectors: Floats, candidates: int) -> Floats:
    """(n, d) -> (n, at most DIMENSIONS): a random projection that keeps distances nearly.

    The same for all vectors as wide that go with as many candidates.
    """
    width, narrowed = vectors.shape[1], FEW_DIMENSIONS if candidates >= MANY else DIMENSIONS
    if width <= narrowed:
        return vectors
    random = np.random.default_rng([SEED, width])
    base = random.standard_normal((width, narrowed), dtype=np.float32)
    return np.asarray(vectors @ (base / np.float32(np.sqrt(narrowed))))


def vectors_and_known(features: Features, strategy: str) -> tuple[Floats, Floats | None]:
    """Narrowed vectors of the candidates and of what people have seen: (n, d) and (m, d)."""
    vectors = narrow(needed(features.vectors, strategy, "vectors"), len(features))
    if features.known is None or not len(features.known):
        return vectors, None
    return vectors, narrow(needed(features.known, strategy, "known vectors"), len(features))


def squared_distances(vectors: Floats, norms: Floats, row: int) -> Floats:
    """Of every vector to that of one row, given the squared norms: (n,)"""
    found = norms - 2 * (vectors @ vectors[row]) + norms[row]
    found[row] = 0
    return np.asarray(np.maximum(found, 0))


def nearest_known(vectors: Floats, known: Floats | None) -> Floats:
    """Squared distance of every vector to the nearest known one, infinite without any: (n,)"""
    nearest = np.full(len(vectors), np.inf, dtype=np.float32)
    if known is None:
        return nearest
    norms = np.square(known).sum(axis=1)  # (m,)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        some = vectors[start : start + ROWS_AT_ONCE]
        products = norms - 2 * (some @ known.T)  # (rows, m)
        found = products.min(axis=1) + np.square(some).sum(axis=1)
        nearest[start : start + ROWS_AT_ONCE] = np.maximum(found, 0)
    return nearest
