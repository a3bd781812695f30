"""Density (Settles and Craven 2008): how much a text is like the others that wait.

Alone it shows the typical; with an uncertainty it keeps that from the odd ones out.
"""

import numpy as np

from backend.workflow.strategies.features import Features, Floats
from backend.workflow.strategies.geometry import needed


def score(features: Features) -> Floats:
    """Mean cosine similarity to all candidates: (n,)"""
    vectors = needed(features.vectors, "density", "vectors")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(lengths, 1e-12)  # (n, d)
    return np.asarray(unit @ unit.mean(axis=0))
