"""The learning curves of a project: what its versions learned from, and what they scored.

Only versions of one kind stand on one curve: the newest one's encoder and head, and its labels.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from backend.db import versions
from backend.db.tables import Run, Version
from backend.workflow.forecasts.learning_curve import Point
from backend.workflow.versions.figures import VersionFigures, version_figures
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.messages import JobFolder

NEWEST = 60  # versions that are looked at

Kind = tuple[str, str, tuple[str, ...]]  # encoder, head and labels


@dataclass(frozen=True, slots=True)
class Learned:
    """The points of the curves, the newest version's last; empty before the first version.

    Versions are judged on gate gold, or where there is none on dev; never on both in one curve.
    `others` are versions that were left out: of another model, other labels, or judged elsewhere.
    """

    overall: Sequence[Point] = ()
    labels: Mapping[str, Sequence[Point]] = field(default_factory=dict)
    measured_on: str = ""
    others: int = 0


def learned(session: Session, project_id: int) -> Learned:
    """The points of a project's newest versions."""
    newest = versions.newest_versions(session, project_id, limit=NEWEST)
    runs = versions.runs_of_versions(session, [version.id for version in newest])
    judged = [
        (version, figures, documents)
        for version in reversed(newest)
        if (figures := version_figures(version, runs.get(version.id))) is not None
        and (documents := (version.figures.get("training") or {}).get("documents"))
    ]
    if not judged:
        return Learned(others=len(newest))
    on_gate = [figures.measured_on for _, figures, _ in judged]
    measured_on = "gate gold" if "gate gold" in on_gate else on_gate[-1]
    same = [one for one in judged if one[1].measured_on == measured_on]
    kind = _kind(same[-1][0], runs.get(same[-1][0].id))
    same = [one for one in same if _kind(one[0], runs.get(one[0].id)) == kind]
    return Learned(
        [Point(documents, figures.micro_f1, _support(figures)) for _, figures, documents in same],
        _by_label([(figures, documents) for _, figures, documents in same]),
        measured_on,
        len(newest) - len(same),
    )


def _by_label(judged: Sequence[tuple[VersionFigures, int]]) -> dict[str, list[Point]]:
    """Each label's points, where gold held any of it to judge by."""
    points: defaultdict[str, list[Point]] = defaultdict(list)
    for figures, documents in judged:
        for one in figures.labels:
            if one.support:
                points[one.label].append(Point(documents, one.f1, one.support))
    return dict(sorted(points.items()))


def _support(figures: VersionFigures) -> int:
    return sum(one.support for one in figures.labels)


def _kind(version: Version, run: Run | None) -> Kind:
    encoder, head = _model(run.folder) if run is not None and run.folder else ("", "")
    return encoder, head, tuple(sorted(labels_of(version).trained))


@lru_cache(maxsize=1024)
def _model(folder: str) -> tuple[str, str]:
    """Encoder and head that a job was asked for: its request never changes."""
    try:
        config = JobFolder(Path(folder)).train_request().config
    except FileNotFoundError:
        return "", ""
    return str(config.get("encoder", "builtin")), str(config.get("head", "crf"))
