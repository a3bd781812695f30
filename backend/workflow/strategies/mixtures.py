"""Choosing documents by one strategy or by several with weights."""

from collections.abc import Mapping

import numpy as np

from backend.errors import InvalidInputError
from backend.workflow.strategies.features import Features, Floats, Indexes
from backend.workflow.strategies.registry import STRATEGIES


def choose(mixture: Mapping[str, float], features: Features, k: int) -> Indexes:
    """Up to k indexes of candidates in the order in which people should see them.

    Strategies that score are mixed by their ranks, since their scores have no common scale. Those
    that pick choose among the best by the others: with share s of all weights, among
    `k (n / k)^s` of n, so alone among all of them; several that pick take turns by their weights.
    Equal scores are ordered by chance, from the seed and the document. The same input gives the
    same output. Raises InvalidInputError for a mixture that there is not.
    """
    check_mixture(mixture)
    k = min(k, len(features))
    if k <= 0:
        return np.empty(0, dtype=np.int64)
    scoring = {key: weight for key, weight in mixture.items() if STRATEGIES[key].score}
    picking = {key: weight for key, weight in mixture.items() if STRATEGIES[key].pick}
    if not picking:
        return _best(_score(scoring, features), features, k)
    rows: Indexes = np.arange(len(features))
    if scoring:
        share = sum(picking.values()) / sum(mixture.values())
        enough = min(len(features), int(np.ceil(k * (len(features) / k) ** share)))
        rows = _best(_score(scoring, features), features, enough)
    return rows[_take_turns(picking, features.only(rows), k)]


def check_mixture(mixture: Mapping[str, float]) -> None:
    """Raises InvalidInputError unless these are weights above 0 of strategies that there are."""
    if not mixture:
        raise InvalidInputError("give one strategy at least")
    for key, weight in mixture.items():
        if key not in STRATEGIES:
            names = ", ".join(STRATEGIES)
            raise InvalidInputError(f"there is no strategy {key!r}; there are: {names}")
        if not (np.isfinite(weight) and weight > 0):
            raise InvalidInputError(f"the weight of {key} must be above 0, not {weight}")


def read_mixture(written: str) -> dict[str, float]:
    """A mixture as it is written: `mnlp`, or `mnlp:2+cost`, a weight being 1 where none stands.

    Raises InvalidInputError for one that cannot be.
    """
    mixture: dict[str, float] = {}
    for part in written.split("+"):
        key, colon, weight = (piece.strip() for piece in part.partition(":"))
        try:
            value = float(weight) if colon else 1.0
        except ValueError:
            raise InvalidInputError(
                f"{written!r} is no mixture: write strategies with their weights as in mnlp:2+cost"
            ) from None
        if key in mixture:
            raise InvalidInputError(f"{key} stands twice in {written!r}")
        mixture[key] = value
    check_mixture(mixture)
    return mixture


def written_mixture(mixture: Mapping[str, float]) -> str:
    """What `read_mixture` reads as this mixture."""
    return "+".join(key if weight == 1 else f"{key}:{weight:g}" for key, weight in mixture.items())


def _score(scoring: Mapping[str, float], features: Features) -> Floats:
    """One score, or the weighted mean of several strategies' ranks: (n,)"""
    scores = {key: _numbers(key, features) for key in scoring}
    if len(scores) == 1:
        return next(iter(scores.values()))
    weights = sum(scoring.values())
    ranks = [_ranks(found) * (scoring[key] / weights) for key, found in scores.items()]
    return np.asarray(np.sum(ranks, axis=0))


def _numbers(key: str, features: Features) -> Floats:
    score = STRATEGIES[key].score
    assert score is not None
    found = score(features)
    return np.where(np.isnan(found), -np.inf, found)


def _ranks(scores: Floats) -> Floats:
    """The share of candidates that score lower; equal scores have the mean of theirs: (n,)"""
    ordered = np.sort(scores)
    lower = np.searchsorted(ordered, scores, side="left")
    not_higher = np.searchsorted(ordered, scores, side="right")
    return (lower + not_higher) / (2 * len(scores))


def _best(scores: Floats, features: Features, k: int) -> Indexes:
    """The k highest scores, highest first: only what may be among them is sorted."""
    rows: Indexes = np.arange(len(scores))
    if k < len(scores):
        border = np.partition(scores, len(scores) - k)[len(scores) - k]
        rows = np.flatnonzero(scores >= border)
    chances = features.only(rows).chances()
    return np.asarray(rows[np.lexsort((chances, -scores[rows]))][:k])


def _take_turns(picking: Mapping[str, float], features: Features, k: int) -> Indexes:
    """k indexes, each strategy picking its share from what those before it left."""
    left: Indexes = np.arange(len(features))
    total = sum(picking.values())
    done, heard = 0, 0.0
    picked: list[Indexes] = []
    for key, weight in picking.items():
        heard += weight
        count = round(k * heard / total) - done
        pick = STRATEGIES[key].pick
        assert pick is not None
        rows = left[pick(features.only(left), count)] if count else left[:0]
        picked.append(rows)
        left = np.setdiff1d(left, rows)
        done += count
    turns = np.concatenate([(np.arange(len(rows)) + 0.5) / max(len(rows), 1) for rows in picked])
    return np.asarray(np.concatenate(picked)[np.argsort(turns, kind="stable")])
