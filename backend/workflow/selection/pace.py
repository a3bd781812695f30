"""How long a document takes people, from what their newest annotations or rounds took."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from sqlalchemy.orm import Session

from backend.db.lead_times import newest_lead_times

NEWEST = 300  # annotations: what strategies choose becomes quicker from batch to batch
LEAST = 20  # annotations, below which nothing is said of minutes

_LONGEST = 10  # times the median: whoever took longer did something else meanwhile
_DRIFT = 0.15  # how far the pace to come is from the pace so far: deviation of the logarithm
_SHARES = (np.arange(9) + 0.5) / 9


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds that a document takes on average, and the deviation of the logarithm of that."""

    seconds: float
    spread: float = _DRIFT

    def likely(self) -> NDArray[np.float64]:
        """Nine paces, each as likely as the others, in seconds a document."""
        found: NDArray[np.float64] = self.seconds * np.exp(self.spread * ndtri(_SHARES))
        return found


def project_pace(session: Session, project_id: int) -> Pace | None:
    """The pace of a project's newest annotations; None where too few were timed."""
    return pace_of(newest_lead_times(session, project_id, NEWEST))


def pace_of(seconds: Sequence[float]) -> Pace | None:
    """The pace of documents that took these times; None where they are too few."""
    if len(seconds) < LEAST:
        return None
    longest = _LONGEST * median(seconds)
    times = [min(one, longest) for one in seconds]
    mean = fmean(times)
    error = float(np.std(times)) / mean / math.sqrt(len(times))
    return Pace(mean, math.hypot(_DRIFT, error))
