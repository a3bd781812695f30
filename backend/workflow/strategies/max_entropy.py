"""Entropy of the least certain character: one open question is enough."""

from backend.workflow.strategies.features import Features, Floats


def score(features: Features) -> Floats:
    """Nats: (n,)"""
    return features.max_entropy
