"""How the people of a project annotate: how fast, how much they change, how far they agree.

Counted over the newest annotations, so that it costs the same however many there are.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median

from sqlalchemy.orm import Session

from backend.db import annotator_figures as queries
from backend.db.annotator_figures import Annotated
from backend.db.tables import Project
from backend.db.tables_of_autolabel import Audit
from backend.workflow.annotators.agreement import Agreement, Said, SharedDocument, agreement
from backend.workflow.annotators.bias import Bias, bias
from backend.workflow.annotators.bias_evidence import EDITS, Observed, observe

NEWEST = 3000  # annotation states that are looked at

_OUTCOMES = (Audit.RIGHT, Audit.WRONG)


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
    f1: float | None  # strict, against all others on the same documents


@dataclass(frozen=True, slots=True)
class AnnotatorFigures:
    """The figures of a project's people, those who did most first.

    `undecided` are documents of which people disagree, and nothing is gold yet.
    """

    people: Sequence[PersonFigures]
    agreement: Agreement
    undecided: Collection[int]
    bias: Bias
    annotations: int


def annotator_figures(session: Session, project_id: int) -> AnnotatorFigures:
    """Count a project's newest annotations."""
    annotations = queries.newest_annotations(session, project_id, NEWEST)
    shared = _shared(annotations)
    texts = queries.texts(session, list(shared))
    agreed = agreement(
        SharedDocument(number, texts[number], said)
        for number, said in shared.items()
        if number in texts
    )
    project = session.get_one(Project, project_id)
    observed = observe(session, project, annotations)
    by_person: defaultdict[int, list[Annotated]] = defaultdict(list)
    for one in annotations:
        by_person[one.account_id].append(one)
    people = [
        _person(number, its, observed, agreed.by_person.get(number))
        for number, its in by_person.items()
    ]
    people.sort(key=lambda person: (-person.documents, person.account_id))
    apart = [one.number for one in agreed.disagreements]
    undecided = set(apart) - queries.gold_by_people(session, apart).keys()
    return AnnotatorFigures(people, agreed, undecided, bias(observed), len(annotations))


def _shared(annotations: Sequence[Annotated]) -> dict[int, dict[int, Said]]:
    """What each person said of documents that several annotated; of one person the newest."""
    said: defaultdict[int, dict[int, Said]] = defaultdict(dict)
    for one in annotations:
        said[one.document_id].setdefault(one.account_id, one.said)
    return {number: its for number, its in said.items() if len(its) > 1}


def _person(
    number: int,
    its: Sequence[Annotated],
    observed: Sequence[Observed],
    f1: float | None,
) -> PersonFigures:
    timed = [one for one in its if one.lead_time]
    hours = sum(one.lead_time or 0.0 for one in timed) / 3600
    seen = [one for one in its if one.version_name and one.audit not in _OUTCOMES]
    by_hand = [len(one.entities) for one in its if not one.version_name]
    edits = [sum(int(one.correction.get(kind, 0)) for kind in EDITS) for one in seen]
    same = [one.audit == Audit.RIGHT for one in its if one.audit in _OUTCOMES]
    same += [
        one.said == one.prelabels
        for one in observed
        if one.blind and one.account_id == number and one.prelabels is not None
    ]
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
