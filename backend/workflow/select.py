"""Select: the order in which people see documents, and the random arm that judges models.

The hash of a text decides, once and for all, whether its document may be drawn at random: the
lowest `random_share` of all hashes is the random arm's. The ranked arm takes of the others what the
project's strategies want (see `selection/candidates.py`) and never reaches into that range, so what
is drawn from it stays an unbiased sample of everything imported. Random documents get a permanent
held-out part; ranked ones train. Near copies are of one arm and one part, those of the oldest of
them.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import update
from sqlalchemy.orm import Session

from backend.db import pool, scores
from backend.db.batches import add_batch
from backend.db.bulk import is_one_of
from backend.db.groups import unite_parts
from backend.db.tables import Arm, Document, Part, Project
from backend.settings import ProjectSettings
from backend.workflow.selection.candidates import (
    KNOWN,
    Candidates,
    Ranking,
    of_pool,
    scoring_of,
)
from backend.workflow.strategies.registry import needs
from backend.workflow.strategies.strategy import Need

T = TypeVar("T")

HELD_OUT = ((Part.DEV, 0.35), (Part.GATE, 0.35), (Part.CERTIFY, 0.15), (Part.TEST, 0.15))
HALF_WAY = 1000  # the queue number whose score is one half
CANDIDATES = 4  # documents that are predicted for each one that is wanted
MOST_CANDIDATES = 5000


def place(queue_number: int) -> float:
    """A queue number as a Label Studio score in (0, 1): the lower, the sooner it is served."""
    return queue_number / (queue_number + HALF_WAY)


def queue_number_at(score: float) -> int:
    """The queue number whose place this is."""
    return round(HALF_WAY * score / (1 - score))


def part_of(group_key: str) -> Part:
    """The held-out part of a duplicate group of the random arm, by hash: the same for ever."""
    digest = hashlib.sha256(f"part:{group_key}".encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    for part, size in HELD_OUT:
        if share < size:
            return part
        share -= size
    return HELD_OUT[-1][0]


def random_border(random_share: float) -> str:
    """Group keys that sort before it belong to the random arm."""
    return "g" if random_share >= 1 else f"{int(random_share * 2**32):08x}"


def random_places(first: int, count: int, share: float) -> int:
    """How many of `count` queue numbers from `first` on are the random arm's."""
    return int((first + count - 1) * share) - int((first - 1) * share)


def interleave(ranked: Sequence[T], drawn: Sequence[T], *, first: int, share: float) -> list[T]:
    """Both sequences in their order, the drawn ones spread evenly; the longer one fills up.

    `first` is the queue number of the first place, so that the pattern goes on where it ended.
    """
    result: list[T] = []
    left, right = list(ranked)[::-1], list(drawn)[::-1]
    while left or right:
        number = first + len(result)
        turn = random_places(number, 1, share) > 0
        result.append(right.pop() if right and (turn or not left) else left.pop())
    return result


def near_copies_last(documents: Sequence[Document]) -> list[Document]:
    """The same documents, those behind that have a near copy further in front: people learn less
    from them, and so does a tagger."""
    seen: set[int] = set()
    first: list[Document] = []
    again: list[Document] = []
    for document in documents:
        known = document.near_id in seen
        (again if known else first).append(document)
        if document.near_id is not None:
            seen.add(document.near_id)
    return first + again


def missing_tasks(open_tasks: int, settings: ProjectSettings) -> int:
    """How many documents to add now: none until a twentieth of the working set is used up."""
    missing = settings.open_tasks - open_tasks
    return missing if missing >= max(1, settings.open_tasks // 20) else 0


def candidates_to_predict(
    session: Session, project: Project, version_id: int, wanted: int
) -> list[Document]:
    """Documents that the champion must see before `wanted` can be ranked well.

    Strategies that tell what is new also need it to have seen some of what has gold.
    """
    settings = ProjectSettings.model_validate(project.settings)
    enough = min(MOST_CANDIDATES, max(500, CANDIDATES * wanted))
    scoring = scoring_of(settings)
    if not scoring.scores:
        seen = pool.predicted_in_pool(session, project.id, version_id)
        if seen >= enough:
            return []
        return pool.pool_without_prediction(session, project.id, version_id, enough - seen)
    dropout = scoring.dropout_passes > 0
    seen = scores.scored_count(session, project.id, version_id, dropout=dropout)
    if seen >= enough:
        return []
    candidates = scores.pool_without_scores(
        session, project.id, version_id, enough - seen, dropout=dropout
    )
    if candidates and Need.VECTORS in needs(settings.selection):
        candidates += scores.known_without_scores(session, project.id, version_id, KNOWN)
    return candidates


def candidates_of_pool(
    session: Session, project: Project, version_id: int, vectors: Path
) -> Candidates | None:
    """What the ranked arm is chosen from, None where the project's strategies look at nothing.

    `vectors` is the version's folder of vectors in the model store.
    """
    settings = ProjectSettings.model_validate(project.settings)
    if not needs(settings.selection):
        return None
    seed = project.last_queue_number + 1
    ranking = Ranking(version_id, settings.selection, vectors, seed)
    return of_pool(session, project, ranking, border=random_border(settings.random_share))


def select(
    session: Session,
    project: Project,
    version_id: int | None,
    wanted: int,
    best: Sequence[int] = (),
    candidates: int = 0,
) -> list[Document]:
    """Give the next `wanted` documents of the pool their arm, part and queue number, in order.

    The ranked arm comes in the order of `best`, as the strategies wanted them out of so many
    candidates; what has left the pool since is left out, and what has no scores follows by the
    version's confidence. Before a first version there is nothing to rank by: the ranked arm comes
    in the order of its hashes. The documents are a batch. The project's row must be locked.
    """
    settings = ProjectSettings.model_validate(project.settings)
    share = settings.random_share
    border = random_border(share)
    first = project.last_queue_number + 1
    at_random = random_places(first, wanted, share)
    drawn = pool.pool_by_hash(session, project.id, border=border, limit=at_random)
    rest = wanted - len(drawn)
    if version_id is None or not needs(settings.selection):
        # some may have to make room for what is less like the others
        ranked = pool.pool_by_hash(
            session, project.id, border=border, at_random=False, limit=2 * rest
        )
        ranked = near_copies_last(ranked)[:rest]
    else:
        ranked = _ranked(session, project, version_id, best, border, rest)
    if len(ranked) + len(drawn) < wanted:  # only the random arm is left to draw from
        rest = wanted - len(ranked)
        drawn = pool.pool_by_hash(session, project.id, border=border, limit=rest)
    if len(ranked) + len(drawn) < wanted:  # and near copies on both sides of the border
        known = {document.id for document in (*ranked, *drawn)}
        left = pool.near_pool(session, project.id, limit=wanted)
        ranked += [document for document in left if document.id not in known][: wanted - len(known)]
    order = interleave(ranked, drawn, first=first, share=share)
    assign_arms(session, project.id, ranked, drawn)
    for number, document in enumerate(order, start=first):
        document.queue_number = number
    project.last_queue_number += len(order)
    if order:
        add_batch(session, project, version_id, settings.selection, candidates, order)
    session.flush()
    return order


def _ranked(
    session: Session,
    project: Project,
    version_id: int,
    best: Sequence[int],
    border: str,
    wanted: int,
) -> list[Document]:
    """The ranked arm's next documents."""
    arm = pool.pool(project.id, border=border, at_random=False)
    there = {
        one.id: one for one in session.scalars(arm.where(is_one_of(session, Document.id, best)))
    }
    ranked = [there[number] for number in best if number in there]
    if len(ranked) < wanted:  # near copies of them, and what was predicted without scores
        more = pool.ranked_pool(
            session, project.id, version_id, below=border, limit=len(ranked) + 2 * wanted
        )
        ranked = near_copies_last([*ranked, *(one for one in more if one.id not in there)])
    return ranked[:wanted]


def assign_arms(
    session: Session, project_id: int, ranked: Sequence[Document], drawn: Sequence[Document]
) -> None:
    """Fix arm and part for the whole duplicate group of each document, near copies included.

    A part once given stays; of several that near copies have the most secret wins.
    """
    parts = {document.group_key: Part.TRAIN for document in ranked}
    parts |= {document.group_key: part_of(document.group_key) for document in drawn}
    held = pool.held_parts(session, project_id, parts)
    parts |= {group_key: Part(part) for group_key, part in held.items()}
    rows = [
        {"id": number, "arm": _arm(parts[group_key]), "part": parts[group_key]}
        for number, group_key in pool.groups(session, project_id, parts).items()
    ]
    if rows:
        session.execute(update(Document), rows)
        near = {one.near_id for one in (*ranked, *drawn) if one.near_id is not None}
        unite_parts(session, project_id, near)
        for document in (*ranked, *drawn):
            session.refresh(document, ["arm", "part"])


def _arm(part: Part) -> Arm:
    return Arm.RANKED if part == Part.TRAIN else Arm.RANDOM
