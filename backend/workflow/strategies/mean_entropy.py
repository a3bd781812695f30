"""Mean entropy of the characters' marginals (token entropy of Settles and Craven 2008)."""

from backend.workflow.strategies.features import Features, Floats


def score(features: Features) -> Floats:
    """Nats a character: (n,)"""
    return features.mean_entropy
