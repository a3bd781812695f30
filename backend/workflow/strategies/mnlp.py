"""Maximum normalised log-probability (Shen et al. 2018): least confidence a character.

Plain least confidence prefers long texts, whose labellings are all improbable.
"""

import numpy as np

from backend.workflow.strategies.features import Features, Floats


def score(features: Features) -> Floats:
    """Nats a character that the best labelling is short of certain: (n,)"""
    return np.asarray(-features.log_probability / np.maximum(features.characters, 1))
