"""Total entropy of the characters' marginals (total token entropy of Settles and Craven 2008)."""

from backend.workflow.strategies.features import Features, Floats


def score(features: Features) -> Floats:
    """Nats a document: (n,)"""
    scores: Floats = features.mean_entropy * features.characters
    return scores
