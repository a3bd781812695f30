"""Documents in the order that a project's strategies want, from what is kept of a version.

What it takes from elsewhere: scores and vectors that prediction jobs made (`keep_scores.py`), how
much gold of each label teaches, and what documents took the project's people.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session

from backend.db import scores
from backend.db.gold_labels import held_out_counts
from backend.db.label_balance import gold_counts
from backend.db.projects import settings_of
from backend.db.scores import Columns
from backend.db.tables import Project, Version
from backend.settings import ProjectSettings
from backend.workflow.selection.cost import Effort, fit
from backend.workflow.selection.project_cost import efforts_of
from backend.workflow.selection.vectors import GRADIENTS, VECTORS, gather
from backend.workflow.strategies.features import SCORES, Features, Floats
from backend.workflow.strategies.mixtures import choose, written_mixture
from backend.workflow.strategies.registry import STRATEGIES, needs
from backend.workflow.strategies.strategy import Need
from backend.workflow.versions.labels import labels_of

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


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is kept of documents that are to be put in order: all that the strategies look at.

    `known` are the arrays and rows of the newest gold that teaches, `lacking` is what each label
    lacks to its target, `efforts` what people needed; each is empty unless the mixture asks for it.
    """

    ranking: Ranking
    found: Columns
    known: Columns
    lacking: Mapping[str, float]
    efforts: Sequence[Effort]

    def __len__(self) -> int:
        return len(self.found["id"])

    def in_order(self, limit: int | None = None) -> list[int]:
        """The numbers of up to `limit` of them, the first first.

        Of very many that takes seconds, for which nobody should hold a transaction.
        """
        if not len(self):
            return []
        features = _features(self)
        mixture = _possible(self.ranking.mixture, features)
        places = choose(mixture, features, len(self) if limit is None else limit)
        return [self.found["id"][place] for place in places]

    def scores(self) -> dict[int, dict[str, float]]:
        """What the mixture's strategies see in each, without a sign and without what is nan."""
        features = _features(self)
        score = {key: STRATEGIES[key].score for key in self.ranking.mixture}
        seen = {key: np.abs(of(features)) for key, of in score.items() if of is not None}
        return {
            number: {key: float(its[place]) for key, its in seen.items() if its[place] >= 0}
            for place, number in enumerate(self.found["id"])
        }


def scoring_of(settings: ProjectSettings) -> Scoring:
    """What a project's strategies need of a prediction job."""
    wanted = needs(settings.selection)
    return Scoring(bool(wanted), DROPOUT_PASSES if Need.DROPOUT in wanted else 0)


def of_pool(
    session: Session, project: Project, ranking: Ranking, *, border: str | None
) -> Candidates:
    """The candidates of the pool's ranked arm, which `border` divides from the random one.

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
    return _candidates(session, project, ranking, found)


def of_documents(
    session: Session, project: Project, ranking: Ranking, ids: Sequence[int]
) -> Candidates:
    """Those of these documents that the version scored."""
    names = _columns(ranking.mixture)
    found = scores.scored_documents(session, ids, ranking.version_id, names)
    return _candidates(session, project, ranking, found)


def _columns(mixture: Mapping[str, float]) -> list[str]:
    """What must be read of a document for these strategies."""
    wanted = set(MNLP)  # what is ranked by when vectors are lost
    for key in mixture:
        wanted.update(COLUMNS.get(key, (key,) if key in SCORES else ()))
        if needs([key]) & {Need.VECTORS, Need.GRADIENTS}:
            wanted.update(("arrays", "row"))
    return sorted(wanted)


def _candidates(session: Session, project: Project, ranking: Ranking, found: Columns) -> Candidates:
    """With what the mixture asks for beside the documents' own scores."""
    mixture = ranking.mixture
    known: Columns = {"arrays": (), "row": ()}
    if Need.VECTORS in needs(mixture):
        ids = scores.newest_known(session, project.id, KNOWN)
        known = scores.scored_documents(session, ids, ranking.version_id, ("arrays", "row"))
    lacking = _lacking(session, project, ranking.version_id) if "balance" in mixture else {}
    efforts = efforts_of(session, project.id) if "cost" in mixture else ()
    return Candidates(ranking, found, known, lacking, efforts)


def _lacking(session: Session, project: Project, version_id: int) -> dict[str, float]:
    """What each label that a version knows lacks to its target, as the version calls it.

    Gold that only judges does not count: the tagger never learns from it.
    """
    version = labels_of(session.get_one(Version, version_id))
    held_out = held_out_counts(session, project.id)
    there = dict.fromkeys(version.trained or project.labels, 0)
    for label, (entities, _documents) in gold_counts(session, project.id).items():
        name = version.mapping.get(label, label)
        if name in there:
            there[name] += entities - held_out.get(label, 0)
    target = settings_of(project).label_target
    return {label: float(max(0, target - entities)) for label, entities in there.items()}


def _possible(mixture: Mapping[str, float], features: Features) -> Mapping[str, float]:
    """The mixture without strategies whose vectors are lost: people must have something to do."""
    there = {Need.VECTORS: features.vectors, Need.GRADIENTS: features.gradients}
    lost = {need for need, array in there.items() if array is None}
    possible = {key: weight for key, weight in mixture.items() if not needs([key]) & lost}
    if len(possible) < len(mixture):
        log.warning("event=vectors_lost mixture=%s", written_mixture(mixture))
    return possible or {"mnlp": 1.0}


def _features(its: Candidates) -> Features:
    """What is kept, as far as the mixture asks for it; nan and None for the rest."""
    ranking, found = its.ranking, its.found
    nothing = np.full(len(its), np.nan)

    def numbers(name: str) -> Floats:
        return np.array(found[name], dtype=np.float64) if name in found else nothing

    def arrays(kind: str, need: Need, rows: Columns) -> Floats | None:
        if ranking.vectors is None or need not in needs(ranking.mixture):
            return None
        return gather(ranking.vectors, kind, rows["arrays"], rows["row"])

    seconds: Floats = nothing
    if "cost" in ranking.mixture:
        model = fit(its.efforts)
        seconds = model.seconds(numbers("length"), numbers("entities"), numbers("edits"))
    expected = np.zeros((len(its), len(its.lacking)))
    if its.lacking:
        counts = found["expected"]
        expected[:] = [[one.get(label, 0.0) for label in its.lacking] for one in counts]
    return Features(
        ids=np.array(found["id"], dtype=np.int64),
        lengths=numbers("length"),
        **{name: numbers(name) for name in SCORES},
        expected=expected,
        wanted=np.array(list(its.lacking.values())),
        seconds=seconds,
        vectors=arrays(VECTORS, Need.VECTORS, found),
        known=arrays(VECTORS, Need.VECTORS, its.known),
        gradients=arrays(GRADIENTS, Need.GRADIENTS, found),
        seed=ranking.seed,
    )
