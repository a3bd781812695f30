"""Random: the control for every other strategy."""

from backend.workflow.strategies.features import Features, Floats


def score(features: Features) -> Floats:
    """A number by chance, from the seed and the document alone: (n,)"""
    return features.chances()
