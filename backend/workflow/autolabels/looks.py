"""The looks at a version's certify gold as it grows, and how they share the promise's δ.

Each look lets a false promise through with the probability of its level, so looking again at the
whole δ each time would not keep it: on gold that grows by a tenth at a time, 28 looks make a false
promise several times as often as one. Here the levels of all looks at one version and one p sum to
δ, and by the union bound (Bonferroni; α-spending, Lan and DeMets, "Discrete sequential boundaries
for clinical trials", 1983) the chance that any of them ever lets a false promise through is at
most δ. The first look, at once on all the gold there is, takes FIRST of δ; one more is taken each
time the gold has doubled, at half the level of the one before. A smaller level costs little: the
gold that it needs grows with its logarithm, and has doubled.

So that the sizes of later looks cannot follow what earlier ones saw, look k is at the n·2^(k-1)
documents whose gold came first, n being what the first look had. Gold between two sizes waits,
and to ask again before the next size is the same look again: nothing is spent. What a look has
found stays found. Gold that is too little to test anything is not looked at.

What is not covered: who asks for another p or δ for the same version makes another promise, with
a δ of its own; gold that people mend is looked at again as it is now.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from backend.workflow.autolabels.promise import (
    Certified,
    Outcome,
    certify,
    documents_needed,
    too_little,
)

FIRST = 0.99  # of δ
GROWTH = 2
MOST_LOOKS = 20  # a million times the first


def level(look: int, delta: float) -> float:
    """The share of delta that a look takes, counted from 1; over all looks they sum to delta."""
    return delta * (FIRST if look == 1 else (1 - FIRST) / 2 ** (look - 1))


def certify_in_looks(
    outcomes: Sequence[Outcome], p: float, delta: float, first: int | None = None
) -> Certified:
    """The lowest threshold that any look finds that the gold allows.

    `outcomes` come in the order in which their gold came; `first` is how many the version's first
    look had, None where this is the first. `documents` of the answer are those of its look.
    Raises ValueError unless p and delta lie strictly between 0 and 1.
    """
    begun = first or max(1, len(outcomes))
    taken = [
        certify(outcomes[:size], p, level(look, delta))
        for look, size in _sizes(begun)
        if look == 1 or size <= len(outcomes)  # gold may have been withdrawn since the first
    ]
    held = [one for one in taken if one.threshold is not None]
    if held:
        return min(reversed(held), key=lambda one: one.threshold or 0.0)
    return _until_next(taken[-1], outcomes, p, delta, begun)


def _sizes(first: int) -> Iterator[tuple[int, int]]:
    """The looks, and how many documents each of them takes."""
    return ((look, first * GROWTH ** (look - 1)) for look in range(1, MOST_LOOKS + 1))


def _until_next(
    lacking: Certified, outcomes: Sequence[Outcome], p: float, delta: float, first: int
) -> Certified:
    """The same, with the gold that is missing for a look that could find what this one did not."""
    if not lacking.steps or lacking.needed is None:
        return lacking
    for look, size in _sizes(first):
        more = size - len(outcomes)
        if more <= 0:
            continue
        needed = documents_needed(outcomes, p, level(look, delta))
        if needed is None:
            break
        if more >= needed:
            reason = too_little(len(outcomes), more, p) if lacking.needed else lacking.reason
            return replace(lacking, needed=more, reason=reason)
    return lacking
