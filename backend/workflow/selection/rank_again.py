"""The queue anew: the open tasks in the order in which another version would have them."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from backend.db import pool
from backend.db.autolabels import blind
from backend.db.tables import Arm, Document, Project
from backend.workflow.select import interleave
from backend.workflow.selection.candidates import Candidates, Ranking, of_documents


def candidates_of_queue(
    session: Session, project: Project, ranking: Ranking, kept: Mapping[int, int]
) -> Candidates:
    """What `rank_again` puts in order of the open tasks."""
    to_rank, _ = _by_arm(session, project.id, kept)
    return of_documents(session, project, ranking, [document.id for document in to_rank])


def rank_again(
    session: Session,
    project: Project,
    confidences: Mapping[int, float],
    kept: Mapping[int, int] | None = None,
    best: Sequence[int] = (),
) -> int:
    """Number the open tasks anew as a version sees them; returns how many there are.

    First come the documents of `best`, as the strategies wanted those that the version scored; the
    others follow by their `confidences`. `kept` are numbers that Label Studio holds already for
    that version (an earlier publication of it): they stay, and the others follow. The project's
    row must be locked.
    """
    kept = kept or {}
    to_rank, drawn = _by_arm(session, project.id, kept)
    places = {number: place for place, number in enumerate(best)}
    ranked = sorted(
        to_rank,
        key=lambda one: (
            places.get(one.id, len(places)),
            confidences.get(one.id, 1.0),
            one.id,
        ),
    )
    loose = len(ranked) + len(drawn)
    share = len(drawn) / loose if loose else 0.0
    first = max(kept.values(), default=0) + 1
    for number, document in pool.documents(session, list(kept)).items():
        document.queue_number = kept[number]
    order = interleave(ranked, drawn, first=1, share=share)
    for number, document in enumerate(order, start=first):
        document.queue_number = number
    project.last_queue_number = first + loose - 1
    session.flush()
    return len(kept) + loose


def _by_arm(
    session: Session, project_id: int, kept: Mapping[int, int]
) -> tuple[list[Document], list[Document]]:
    """The documents of the queue that are numbered anew: those to be ranked, those by chance."""
    documents = [
        *pool.open_documents(session, project_id),
        *pool.reserved_documents(session, project_id),
    ]
    loose = [document for document in documents if document.id not in kept]
    by_chance = blind(session, [document.id for document in loose])
    by_chance |= {document.id for document in loose if document.arm == Arm.RANDOM}
    to_rank = [document for document in loose if document.id not in by_chance]
    return to_rank, [document for document in loose if document.id in by_chance]
