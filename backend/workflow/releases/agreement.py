"""How far people agree where several annotated a document, released or not."""

from itertools import combinations
from typing import Any

from sqlalchemy.orm import Session

from backend.db import releases
from backend.db.releases import Said


def agreement_between_people(session: Session, project_id: int) -> dict[str, Any]:
    """Over all documents of a project that at least two people have annotated.

    `exact` is the share of them in which all said the same, `f1` the mean over documents of the
    mean over pairs of people of strict entity F1; two that both found nothing agree fully.
    """
    documents = same = 0
    total = 0.0
    for ids in releases.annotated_by_several(session, project_id):
        for states in releases.said(session, ids).values():
            said = _by_person(states)
            if len(said) < 2:
                continue
            documents += 1
            same += len(set(said)) == 1
            pairs = [f1(one, other) for one, other in combinations(said, 2)]
            total += sum(pairs) / len(pairs)
    if not documents:
        return {"documents": 0}
    return {
        "documents": documents,
        "exact": round(same / documents, 4),
        "f1": round(total / documents, 4),
    }


def f1(one: frozenset[Any], other: frozenset[Any]) -> float:
    """Strict F1 of two sets of entities; 1 when both are empty."""
    if not one and not other:
        return 1.0
    return 2 * len(one & other) / (len(one) + len(other))


def _by_person(states: list[Said]) -> list[frozenset[Any]]:
    """What each person said last."""
    return list({state.person: state.entities for state in states}.values())
