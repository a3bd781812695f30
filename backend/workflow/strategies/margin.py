"""Margin between the two best labellings (Scheffer et al. 2001)."""

from backend.workflow.strategies.features import Features, Floats


def score(features: Features) -> Floats:
    """The smaller the margin, the higher: (n,)"""
    return -features.margin
