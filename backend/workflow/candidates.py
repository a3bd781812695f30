"""Documents in the order that a project's strategies want, from what is kept of a version.

What it takes from elsewhere: scores and vectors that prediction jobs made (`keep_scores.py`), gold
counts for the labels' targets, and the cost model of the project's people.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from backend.db import scores
from backend.db.label_balance import gold_counts
from backend.db.projects import settings_of
from backend.db.scores import Columns
from backend.db.tables import Project, Version
from backend.settings import ProjectSettings
from backend.workflow.project_cost import project_cost
from backend.workflow.strategies.features import SCORES, Features, Floats
from backend.workflow.strategies.mixtures import choose, written_mixture
from backend.workflow.strategies.registry import needs
from backend.workflow.strategies.strategy import Need
from backend.workflow.vectors import GRADIENTS, VECTORS, gather
from backend.workflow.version_labels import VersionLabels, labels_of

DROPOUT_PASSES = 5  # readings of a text, where the strategies need several
MNLP = ("log_probability", "characters")
COLUMNS = {"mnlp": MNLP, "balance": ("expected",), "cost": ("length", "entities", "edits")}
KNOWN = 2000  # documents with gold from which what is new is told

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a prediction job must make of documents beside the prediction."""

    scores: bool = False
    dropout_passes: int = 0


@dataclass(frozen=True, slots=True)
class Ranking:
    """By whom and how candidates are put in order; `vectors` is the version's folder of them."""

    version_id: int
    mixture: Mapping[str, float]
    vectors: Path | None = None
    seed: int = 0


def scoring_of(settings: ProjectSettings) -> Scoring:
    """What a project's strategies need of a prediction job."""
    wanted = needs(settings.selection)
    return Scoring(bool(wanted), DROPOUT_PASSES if Need.DROPOUT in wanted else 0)


def best_of_pool(
    session: Session, project: Project, ranking: Ranking, *, border: str | None, limit: int
) -> tuple[list[int], int]:
    """Up to `limit` documents of the pool's ranked arm in order, and out of how many.

    Of near copies only the oldest is a candidate: people learn little from the others.
    """
    names = _columns(ranking.mixture)
    found = scores.scored_pool(session, project.id, ranking.version_id, names, below=border)
    oldest: dict[int, int] = {}
    kept = [
        place
        for place, (number, group) in enumerate(zip(found["id"], found["near_id"], strict=True))
        if group is None or oldest.setdefault(group, number) == number
    ]
    if len(kept) < len(found["id"]):
        found = {name: [column[place] for place in kept] for name, column in found.items()}
    return _in_order(session, project, ranking, found, limit), len(kept)


def all_in_order(
    session: Session, project: Project, ranking: Ranking, ids: Sequence[int]
) -> list[int]:
    """Those of these documents that the version scored, in order."""
    names = _columns(ranking.mixture)
    found = scores.scored_documents(session, ids, ranking.version_id, names)
    return _in_order(session, project, ranking, found, len(found["id"]))


def _columns(mixture: Mapping[str, float]) -> list[str]:
    """What must be read of a document for these strategies."""
    wanted = set(MNLP)  # what is ranked by when vectors are lost
    for key in mixture:
        wanted.update(COLUMNS.get(key, (key,) if key in SCORES else ()))
        if needs([key]) & {Need.VECTORS, Need.GRADIENTS}:
            wanted.update(("arrays", "row"))
    return sorted(wanted)


def _in_order(
    session: Session, project: Project, ranking: Ranking, found: Columns, limit: int
) -> list[int]:
    if not found["id"]:
        return []
    features = _features(session, project, ranking, found)
    mixture = _possible(ranking.mixture, features)
    return [found["id"][place] for place in choose(mixture, features, limit)]


def _possible(mixture: Mapping[str, float], features: Features) -> Mapping[str, float]:
    """The mixture without strategies whose vectors are lost: people must have something to do."""
    there = {Need.VECTORS: features.vectors, Need.GRADIENTS: features.gradients}
    lost = {need for need, array in there.items() if array is None}
    possible = {key: weight for key, weight in mixture.items() if not needs([key]) & lost}
    if len(possible) < len(mixture):
        log.warning("event=vectors_lost mixture=%s", written_mixture(mixture))
    return possible or {"mnlp": 1.0}


def _features(session: Session, project: Project, ranking: Ranking, found: Columns) -> Features:
    """What is kept, as far as the mixture asks for it; nan and None for the rest."""
    wanted, count = needs(ranking.mixture), len(found["id"])
    nothing = np.full(count, np.nan)

    def numbers(name: str) -> Floats:
        return np.array(found[name], dtype=np.float64) if name in found else nothing

    seconds: Floats = nothing
    if "cost" in ranking.mixture:
        model = project_cost(session, project.id)
        seconds = model.seconds(numbers("length"), numbers("entities"), numbers("edits"))
    expected: Floats = np.zeros((count, 0))
    lacking: Floats = np.zeros(0)
    if "balance" in ranking.mixture:
        expected, lacking = _balance(session, project, ranking, found["expected"])
    vectors = known = gradients = None
    if ranking.vectors is not None and Need.VECTORS in wanted:
        vectors = gather(ranking.vectors, VECTORS, found["arrays"], found["row"])
        known = _known(session, project, ranking)
    if ranking.vectors is not None and Need.GRADIENTS in wanted:
        gradients = gather(ranking.vectors, GRADIENTS, found["arrays"], found["row"])
    return Features(
        ids=np.array(found["id"], dtype=np.int64),
        lengths=numbers("length"),
        **{name: numbers(name) for name in SCORES},
        expected=expected,
        wanted=lacking,
        seconds=seconds,
        vectors=vectors,
        known=known,
        gradients=gradients,
        seed=ranking.seed,
    )


def _balance(
    session: Session,
    project: Project,
    ranking: Ranking,
    expected: Sequence[Mapping[str, float]],
) -> tuple[Floats, Floats]:
    """Entities expected (n, labels) and lacking (labels,) of each label that the version knows."""
    version = labels_of(session.get_one(Version, ranking.version_id))
    target = settings_of(project).label_target
    lacking = _lacking(gold_counts(session, project.id), version, project.labels, target)
    found = np.array([[one.get(label, 0.0) for label in lacking] for one in expected])
    return found.reshape(len(expected), len(lacking)), np.array(list(lacking.values()))


def _lacking(
    gold: Mapping[str, tuple[int, int]], version: VersionLabels, labels: Sequence[str], target: int
) -> dict[str, float]:
    """What each label lacks to its target, as the version calls it."""
    there = dict.fromkeys(version.trained or labels, 0)
    for label, (entities, _documents) in gold.items():
        name = version.mapping.get(label, label)
        if name in there:
            there[name] += entities
    return {label: float(max(0, target - entities)) for label, entities in there.items()}


def _known(session: Session, project: Project, ranking: Ranking) -> Floats | None:
    """Vectors of the newest gold that the version has read."""
    assert ranking.vectors is not None
    ids = scores.newest_known(session, project.id, KNOWN)
    found = scores.scored_documents(session, ids, ranking.version_id, ("arrays", "row"))
    return gather(ranking.vectors, VECTORS, found["arrays"], found["row"])
