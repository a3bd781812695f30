"""What people see next, and why each document stands where it does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from backend.db.autolabels import blind
from backend.db.batches import batches_of
from backend.db.pool import next_open
from backend.db.projects import settings_of
from backend.db.tables import Arm, Document, Project
from backend.workflow.selection.candidates import Ranking, of_documents
from backend.workflow.strategies.registry import needs

OF_ITSELF = (
    *("mnlp", "margin", "mean_entropy", "max_entropy", "total_entropy"),
    *("disagreement", "cost"),
)
"""Strategies that look at one document and at nothing else."""


class Reason(StrEnum):
    """Why a document is in the queue, and where."""

    AT_RANDOM = "at_random"  # drawn to judge by, between the others
    RANKED = "ranked"  # by the strategies, from what the champion scored
    UNSCORED = "unscored"  # the champion has not scored it: by its confidence, or at the end
    BY_CHANCE = "by_chance"  # nothing to rank by: no champion yet, or strategies that look at none


@dataclass(frozen=True, slots=True)
class Queued:
    """A document that waits, the batch that it came with, and what the strategies see in it.

    `scores` has the strategies of a ranked one: nats a character of least confidence, the margin,
    nats of entropies, the disagreement in [0, 1], seconds of cost; None of those that compare
    documents with others. People see high scores sooner, but low margins and costs.
    """

    document: Document
    batch: int | None
    reason: Reason
    scores: Mapping[str, float | None]


def next_in_queue(
    session: Session, project: Project, limit: int, *, after: int = 0
) -> list[Queued]:
    """The next documents that people will see, in order, as the champion sees them now.

    Those after document `after` where it is given.
    """
    documents = next_open(session, project.id, limit, after=after)
    ids = [document.id for document in documents]
    came_with = batches_of(session, ids)
    drawn = blind(session, ids) | {one.id for one in documents if one.arm == Arm.RANDOM}
    ranks = project.champion_id is not None and bool(needs(settings_of(project).selection))
    scores = _scores(session, project, ids) if ranks else {}

    def reason(number: int) -> Reason:
        if number in drawn:
            return Reason.AT_RANDOM
        if not ranks:
            return Reason.BY_CHANCE
        return Reason.RANKED if number in scores else Reason.UNSCORED

    return [
        Queued(
            document,
            came_with.get(document.id),
            its := reason(document.id),
            scores[document.id] if its == Reason.RANKED else {},
        )
        for document in documents
    ]


def _scores(
    session: Session, project: Project, ids: Sequence[int]
) -> dict[int, dict[str, float | None]]:
    """What the project's strategies see in those of the documents that the champion scored."""
    assert project.champion_id is not None
    mixture = settings_of(project).selection
    alone = {key: weight for key, weight in mixture.items() if key in OF_ITSELF}
    found = of_documents(session, project, Ranking(project.champion_id, alone), ids).scores()
    return {number: {key: its.get(key) for key in mixture} for number, its in found.items()}
