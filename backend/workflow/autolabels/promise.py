"""The autolabel promise: the confidence from which on a version's documents need no person.

Learn-then-test (Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test: Calibrating
Predictive Algorithms to Achieve Risk Control", 2021) with fixed-sequence testing: thresholds from
the most confident down; for each the null hypothesis "documents of at least this confidence are
exactly right less often than p" is tested by the exact binomial tail on certify gold at level δ,
and the first that cannot be refuted ends the sequence. The last one refuted is the threshold:
the chance that it does not keep p is at most δ, however many were tested. That is of one look at
one set of gold; how gold that grows is looked at again is told in `looks`.

What this rests on: the certify documents are independent draws of what is to be accepted, one a
duplicate group; the thresholds and their order are fixed before any outcome is seen; where the
sequence begins depends on how many documents are that confident and never on how they came out.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from operator import attrgetter
from typing import Any

from scipy.special import bdtrc

# errors that the first threshold shall be able to bear: one with room for none would be missed by
# a model that is right 98 times of 100
ERRORS_AT_FIRST = 5
MOST_NEEDED = 1_000_000  # documents; beyond that "more gold" is no advice


@dataclass(frozen=True, slots=True)
class Outcome:
    """How sure a version was of a certify document, and whether it was exactly right."""

    confidence: float
    right: bool


@dataclass(frozen=True, slots=True)
class Certified:
    """A threshold that keeps the promise, or None with what is missing.

    `tested` and `right` count the certify documents at the threshold, or at the last one tested;
    `p_value` had to be `level` at most.
    `needed` is how many more certify documents it would take if they came out as these did; None
    where a threshold was found, or where the version is not right often enough for any number.
    """

    threshold: float | None
    reason: str
    documents: int
    tested: int = 0
    right: int = 0
    p_value: float = 1.0
    level: float = 1.0
    needed: int | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """As JSON, for the promise's row."""
        return {
            "documents": self.documents,
            "tested": self.tested,
            "right": self.right,
            "p_value": self.p_value,
            "level": self.level,
            "needed": self.needed,
            "steps": self.steps,
        }


@cache
def grid() -> tuple[float, ...]:
    """The thresholds, from the most confident down: equal steps of the log odds, then none."""
    odds = (1 / (1 + math.exp(-step / 32)) for step in range(256, -97, -1))  # 0.9997 to 0.047
    return (*odds, 0.0)


def tail(right: int, tested: int, p: float) -> float:
    """The chance of at least so many right ones if each were right with probability p."""
    return float(bdtrc(right - 1, tested, p)) if right > 0 else 1.0


@cache
def least_documents(p: float, delta: float, errors: int = 0) -> int:
    """How many documents it takes to certify p with so many errors among them."""
    count = errors + 1
    while tail(count - errors, count, p) > delta:
        count += 1
    return count


def certify(outcomes: Sequence[Outcome], p: float, delta: float) -> Certified:
    """Find the lowest threshold that keeps p at confidence 1 - delta.

    Raises ValueError unless p and delta lie strictly between 0 and 1.
    """
    if not (0 < p < 1 and 0 < delta < 1):
        raise ValueError(f"p and delta must lie between 0 and 1, not {p} and {delta}")
    found: Certified | None = None
    steps: list[dict[str, Any]] = []
    first = _first_count(len(outcomes), p, delta)
    last = 0
    for threshold, tested, right in _counts(outcomes):
        if tested < first or tested == last:
            continue  # the same documents again would be the same test
        last = tested
        p_value = tail(right, tested, p)
        steps.append({"threshold": threshold, "tested": tested, "right": right, "p_value": p_value})
        if p_value > delta:
            break
        found = Certified(threshold, "", len(outcomes), tested, right, p_value, delta, steps=steps)
    return found or _lacking(outcomes, p, delta, steps)


def _counts(outcomes: Sequence[Outcome]) -> Iterator[tuple[float, int, int]]:
    """Each threshold with how many outcomes are so confident, and how many of those are right."""
    ordered = sorted(outcomes, key=attrgetter("confidence"))
    confidences = [outcome.confidence for outcome in ordered]
    right_before = [0, *accumulate(outcome.right for outcome in ordered)]
    for threshold in grid():
        below = bisect_left(confidences, threshold)
        yield threshold, len(ordered) - below, right_before[-1] - right_before[below]


def _first_count(documents: int, p: float, delta: float) -> int:
    """How many documents the first threshold must have: room for errors, but a quarter will do."""
    least = least_documents(p, delta)
    return max(least, min(least_documents(p, delta, ERRORS_AT_FIRST), documents // 4))


def _lacking(
    outcomes: Sequence[Outcome], p: float, delta: float, steps: list[dict[str, Any]]
) -> Certified:
    documents = len(outcomes)
    needed = documents_needed(outcomes, p, delta)
    tested, right, p_value = 0, 0, 1.0
    if steps:
        tested, right, p_value = (steps[-1][name] for name in ("tested", "right", "p_value"))
    if needed is None:
        reason = (
            f"no confidence from which on the version is right {p:.0%} of the time: "
            "better training is needed, not more certify gold"
        )
    elif needed == 0:
        reason = (
            f"the {tested} certify documents that it is surest of came out right {right} times: "
            f"too few for {p:.0%}"
        )
    else:
        reason = too_little(documents, needed, p)
    return Certified(None, reason, documents, tested, right, p_value, delta, needed, steps)


def too_little(documents: int, needed: int, p: float) -> str:
    """What is said where more certify gold may help."""
    return (
        f"too little certify gold: {documents} documents; about {needed} more are needed "
        f"to promise {p:.0%}"
    )


def documents_needed(outcomes: Sequence[Outcome], p: float, delta: float) -> int | None:
    """How many more certify documents it takes if they come out as these did.

    For each threshold: the least number of which the share seen right would pass, over the share
    of documents that are so confident; the best threshold counts, but the first one must pass as
    well, since it ends the sequence. With too few documents above a threshold to know that share,
    all right is assumed: then it is the least that could do. None where no threshold could pass.
    """
    documents, least = len(outcomes), least_documents(p, delta)
    if not documents:
        return least
    best: int | None = None
    at_first: int | None = None
    first = _first_count(documents, p, delta)
    last = 0
    for _, tested, right in _counts(outcomes):
        if tested == last:
            continue
        last = tested
        wanted = _least_at(right / tested if tested >= least else 1.0, p, delta)
        total = None if wanted is None else math.ceil(wanted * documents / tested)
        if at_first is None and tested >= first:
            at_first = total or 0
        if total is not None:
            best = total if best is None else min(best, total)
    if best is None or best > MOST_NEEDED:
        return None
    return max(0, max(best, at_first or 0) - documents)


def _least_at(share_right: float, p: float, delta: float) -> int | None:
    """The least number of documents that pass when this share of them is right."""
    if share_right <= p:
        return None
    low, high = 1, 1
    while tail(math.floor(share_right * high), high, p) > delta:
        low, high = high, high * 2
        if high > MOST_NEEDED:
            return None
    while low < high:  # not monotone by a document or two: an estimate all the same
        middle = (low + high) // 2
        if tail(math.floor(share_right * middle), middle, p) > delta:
            low = middle + 1
        else:
            high = middle
    return high
