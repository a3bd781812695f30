"""Disagreement of several readings (query by committee; by dropout, Gal et al. 2017)."""

from backend.workflow.strategies.features import Features, Floats


def score(features: Features) -> Floats:
    """Vote entropy of the found spans, in [0, 1]: (n,)"""
    return features.disagreement
