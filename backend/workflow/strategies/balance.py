"""Balance: texts that are expected to hold entities of labels that have too few."""

import numpy as np

from backend.workflow.strategies.features import Features, Floats


def score(features: Features) -> Floats:
    """Entities expected of each label, as far as they are wanted, the rarest most: (n,)"""
    wanted = np.maximum(features.wanted, 0)
    if not wanted.any():
        return np.zeros(len(features))
    useful = np.minimum(features.expected, wanted)  # (n, labels)
    return np.asarray(useful @ (wanted / wanted.sum()))
