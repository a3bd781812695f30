"""How the people of a project annotate: how fast, how much they change, how far they agree.

Counted over the newest annotations, so that it costs the same however many there are.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from sqlalchemy.orm import Session

from backend.db import annotator_figures as queries
from backend.db.annotator_figures import Annotated
from backend.workflow.agreement import Agreement, SharedDocument, agreement

NEWEST = 3000  # annotation states that are looked at
EDITS = ("added", "removed", "moved", "relabelled")


@dataclass(frozen=True, slots=True)
class PersonFigures:
    """One person's figures; None where nothing was there to count.

    `by_hand` are entities marked a document without pre-labels, `edits` the changes a document
    with them. `unchanged` is the share of pre-labelled documents submitted as they were, and
    `blind_same` the share of blind ones that came out as the version would have labelled them:
    who accepts much more than that signs what they did not read.
    """

    account_id: int
    documents: int
    entities: int
    seconds: float | None  # the median a document
    documents_per_hour: float | None
    entities_per_hour: float | None
    by_hand: float | None
    edits: float | None
    prelabelled: int
    unchanged: float | None
    blind: int
    blind_same: float | None
    f1: float | None  # the mean strict F1 against others on the same documents


@dataclass(frozen=True, slots=True)
class AnnotatorFigures:
    """The figures of a project's people, those who did most first."""

    people: Sequence[PersonFigures]
    agreement: Agreement
    annotations: int


def annotator_figures(session: Session, project_id: int) -> AnnotatorFigures:
    """Count a project's newest annotations."""
    annotations = queries.newest_annotations(session, project_id, NEWEST)
    documents = {one.document_id for one in annotations}
    blind = queries.blind_outcomes(session, project_id, documents)
    shared = _shared(annotations)
    lengths = queries.lengths(session, list(shared))
    agreed = agreement(
        SharedDocument(lengths[number], said)
        for number, said in shared.items()
        if number in lengths
    )
    by_person: defaultdict[int, list[Annotated]] = defaultdict(list)
    for one in annotations:
        by_person[one.account_id].append(one)
    people = [
        _person(number, its, blind, agreed.by_person.get(number))
        for number, its in by_person.items()
    ]
    people.sort(key=lambda person: (-person.documents, person.account_id))
    return AnnotatorFigures(people, agreed, len(annotations))


def _shared(
    annotations: Sequence[Annotated],
) -> dict[int, dict[int, frozenset[tuple[int, int, str]]]]:
    """What each person said of documents that several annotated; of one person the newest."""
    said: defaultdict[int, dict[int, frozenset[tuple[int, int, str]]]] = defaultdict(dict)
    for one in annotations:
        spans = frozenset((e["start"], e["end"], e["label"]) for e in one.entities)
        said[one.document_id].setdefault(one.account_id, spans)
    return {number: its for number, its in said.items() if len(its) > 1}


def _person(
    number: int, its: Sequence[Annotated], blind: Mapping[int, bool], f1: float | None
) -> PersonFigures:
    timed = [one for one in its if one.lead_time]
    hours = sum(one.lead_time or 0.0 for one in timed) / 3600
    seen = [one for one in its if one.version_name and one.document_id not in blind]
    by_hand = [len(one.entities) for one in its if not one.version_name]
    edits = [sum(int(one.correction.get(kind, 0)) for kind in EDITS) for one in seen]
    same = [blind[one.document_id] for one in its if one.document_id in blind]
    return PersonFigures(
        account_id=number,
        documents=len({one.document_id for one in its}),
        entities=sum(len(one.entities) for one in its),
        seconds=median(one.lead_time or 0.0 for one in timed) if timed else None,
        documents_per_hour=len(timed) / hours if hours else None,
        entities_per_hour=sum(len(one.entities) for one in timed) / hours if hours else None,
        by_hand=_mean(by_hand),
        edits=_mean(edits),
        prelabelled=len(seen),
        unchanged=_mean([not one for one in edits]),
        blind=len(same),
        blind_same=_mean(same),
        f1=f1,
    )


def _mean(values: Collection[float]) -> float | None:
    return sum(values) / len(values) if values else None
