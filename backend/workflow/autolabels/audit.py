"""The audit: how often what the rule accepted is exactly right, watched for as long as it runs.

An anytime-valid confidence sequence for a rate: the method of mixtures (Robbins, "Statistical
methods related to the law of the iterated logarithm", 1970) with a beta prior, exact for outcomes
that are right or wrong (Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform, nonparametric,
nonasymptotic confidence sequences", 2021). After r right and w wrong documents

    M(q) = ∫ θ^r (1-θ)^w dB(θ | θ < q)  /  q^r (1-q)^w

starts at 1 and is a nonnegative supermartingale when the true rate is q or more, so by Ville's
inequality it ever reaches 1/δ with probability δ at most: one may look after every document and
stop at the first look that shows it. The upper bound is the highest rate not yet shown too high.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scipy.special import betainc, betaln

A = B = 0.5  # of the beta prior: Jeffreys', which knows nothing
PRECISION = 1e-6  # of the bound


@dataclass(frozen=True, slots=True)
class AuditState:
    """What the audit of one promise has found; `upper` is the least bound it has ever shown."""

    right: int
    wrong: int
    upper: float

    @property
    def rate(self) -> float | None:
        """The share that was exactly right, None before the first."""
        total = self.right + self.wrong
        return self.right / total if total else None

    def contradicts(self, p: float) -> bool:
        """Whether the rate is below p, as far as anybody will ever be able to tell."""
        return self.upper < p


def audit(outcomes: Iterable[bool], delta: float) -> AuditState:
    """The state after all outcomes, in the order in which people gave them."""
    found = [AuditState(0, 0, 1.0), *states(outcomes, delta)]
    return found[-1]


def states(outcomes: Iterable[bool], delta: float) -> Iterator[AuditState]:
    """The state after each outcome."""
    right = wrong = 0
    upper = 1.0
    for outcome in outcomes:
        right, wrong = right + outcome, wrong + (not outcome)
        if not outcome:  # only a wrong one can lower the bound
            upper = min(upper, upper_bound(right, wrong, delta))
        yield AuditState(right, wrong, upper)


def upper_bound(right: int, wrong: int, delta: float) -> float:
    """The highest rate that these counts leave possible at confidence 1 - delta, by bisection."""
    limit = -math.log(delta)
    low, high = right / (right + wrong) if right + wrong else 1.0, 1.0
    if not wrong or log_evidence(right, wrong, 1 - PRECISION) < limit:
        return 1.0
    while high - low > PRECISION:
        middle = (low + high) / 2
        if log_evidence(right, wrong, middle) < limit:
            low = middle
        else:
            high = middle
    return high


def log_evidence(right: int, wrong: int, rate: float) -> float:
    """The logarithm of M: the evidence that the true rate is below `rate`, itself below 1."""
    mixed = betaln(A + right, B + wrong) + _log(betainc(A + right, B + wrong, rate))
    prior = betaln(A, B) + _log(betainc(A, B, rate))
    return float(mixed - prior - right * _log(rate) - wrong * math.log1p(-rate))


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
