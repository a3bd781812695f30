"""BADGE (Ash et al. 2020): k-means++ seeding on gradient embeddings.

A gradient is long where the tagger is unsure and points where it would learn: one draw serves
both, without a weight to be chosen.
"""

import numpy as np

from backend.workflow.strategies.features import Features, Indexes
from backend.workflow.strategies.geometry import narrow, needed
from backend.workflow.strategies.k_means import seeds


def pick(features: Features, k: int) -> Indexes:
    """(k,) indexes in the order in which they were drawn, from the zero gradient on."""
    gradients = narrow(needed(features.gradients, "badge", "gradients"), len(features))
    random = np.random.default_rng(features.seed)
    lengths = np.square(gradients).sum(axis=1)  # distance to a gradient of nothing to learn
    return seeds(gradients, lengths, k, random, features.chances())
