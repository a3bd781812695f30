"""What a version is worth in full, as its training and gate left it in the run's folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from backend.db.tables import Run
from ml_backend.contract.label_intervals import LabelIntervals, Outcome, label_differences
from ml_backend.contract.messages import JobFolder, read_jsonl
from ml_backend.contract.scoring import Scores

PARTS = ("gate", "dev")  # what is told of a version: gold that it was not chosen by comes first


@dataclass(frozen=True, slots=True)
class VersionReport:
    """A version on one part of gold: see ml_backend/training/report.py for what was counted."""

    part: str
    documents: int
    scores: Scores
    intervals: LabelIntervals
    mistakes: Mapping[str, Any]
    calibration: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionDifference:
    """The second version's scores less the first's, on gate documents whose gold both saw alike."""

    documents: int
    intervals: LabelIntervals


def version_report(run: Run | None) -> VersionReport | None:
    """The report of the version that a run made; None where the run has left none."""
    if run is None or not run.folder:
        return None
    record = JobFolder(Path(run.folder)).report() or {}
    for part in PARTS:
        if part in record:
            its = record[part]
            return VersionReport(
                part=part,
                documents=its["documents"],
                scores=Scores.from_dict(its),
                intervals=LabelIntervals.from_dict(its["intervals"]),
                mistakes=its["mistakes"],
                calibration=its["calibration"],
            )
    return None


def version_difference(first: Run | None, second: Run | None) -> VersionDifference | None:
    """How two versions differ; None where no gate document is known of both.

    A version's outcomes never change, so that what was once compared is remembered.
    """
    if first is None or second is None or not first.folder or not second.folder:
        return None
    return _difference(first.folder, second.folder)


@lru_cache(maxsize=64)
def _difference(first: str, second: str) -> VersionDifference | None:
    one, other = _outcomes(first), _outcomes(second)
    both = sorted(one.keys() & other.keys())
    if not both:
        return None
    intervals = label_differences([one[key] for key in both], [other[key] for key in both])
    return VersionDifference(len(both), intervals)


def _outcomes(folder: str) -> dict[tuple[str, str], Outcome]:
    """What became of each gate document, by its id and the name of its gold."""
    path = JobFolder(Path(folder)).outcomes
    if not path.exists():
        return {}
    return {(one["id"], one["gold"]): one["counts"] for one in read_jsonl(path)}
