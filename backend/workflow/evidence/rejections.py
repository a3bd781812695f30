"""Suggestions that people did not let stand, and what is done when a version makes them again.

What a person removed, moved or relabelled is kept with the text in which it was. A later version
suggests it *again* where it says the same of the same place in an exact or a near copy of that
text. Such a suggestion is not shown to people as if nothing had been: it is left out of the
pre-label, our own copy of the prediction keeps it with the flag `"rejected"`, the evidence page
tells who rejected it, and no rule accepts the document.

A rejection stands while the annotation that made it is as it was, no other annotation of the
document has the entity, its gold has it not, and no gold of a copy has since been given it at the
same place: else people disagree, or have changed their mind, and the suggestion is worth making.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from backend.db import pool
from backend.db.annotations import current_states_of
from backend.db.gold import gold_of
from backend.db.mentions import InCopy, in_copies
from backend.db.projects import settings_of
from backend.db.rejections import Grouped, Rejected, grouped, has_rejections, rejected_in
from backend.db.tables import AnnotationState, AnnotationStatus, Project, Version
from backend.db.tables_of_evidence import Rejection, RejectionKind
from backend.workflow.correct import Changes
from backend.workflow.duplicates.conflicts import same_pieces
from backend.workflow.duplicates.normal_form import normal_entities, normal_form
from backend.workflow.evidence.mention_forms import form_of
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.entity import Entity

FLAG = "rejected"  # in the record of a predicted entity
LOOKED_AT = 10  # rejections of one suggestion in one group of copies, the newest

Again = dict[int, dict[Entity, Rejected]]


class Place(NamedTuple):
    """Code points `[start, stop)` of a text."""

    text: str
    start: int
    stop: int


def keep(session: Session, state: AnnotationState, text: str, changed: Changes) -> None:
    """Keep what a person did not let stand of a prediction; `state` has its number."""
    pairs: list[tuple[RejectionKind, Entity, Entity | None]] = [
        (RejectionKind.REMOVED, one, None) for one in changed.removed
    ]
    pairs += [(RejectionKind.MOVED, before, after) for before, after in changed.moved]
    pairs += [(RejectionKind.RELABELLED, before, after) for before, after in changed.relabelled]
    session.add_all(
        Rejection(
            project_id=state.project_id,
            document_id=state.document_id,
            annotation_state_id=state.id,
            version_name=state.version_name,
            kind=kind,
            form=form_of(text[before.start : before.end]),
            start=before.start,
            stop=before.end,
            label=before.label,
            became_start=after.start if after is not None else None,
            became_stop=after.end if after is not None else None,
            became_label=after.label if after is not None else None,
        )
        for kind, before, after in pairs
    )


def made_again(
    session: Session,
    project: Project,
    version: Version,
    said: Mapping[int, Sequence[Mapping[str, Any]]],
) -> Again:
    """Which entities of what a version says, by document, people have rejected there before.

    Entities are given as they are kept with the prediction and returned the same; each with the
    newest rejection of it that stands.
    """
    if not said or not has_rejections(session, project.id):
        return {}
    documents = grouped(session, said)
    named = labels_of(version).in_gold(project.labels)
    suggested = [
        (document, entity, named.get(entity.label, entity.label))
        for number, document in documents.items()
        for entity in _read(said[number], document.text)
    ]
    forms = {form_of(document.text[one.start : one.end]) for document, one, _ in suggested}
    kept = _standing(session, rejected_in(session, project.id, documents.values(), forms))
    by_group: dict[tuple[object, str], list[Rejected]] = defaultdict(list)
    for one in kept:
        label = one.rejection.label
        by_group[one.document.group_key, label].append(one)
        if one.document.near_id is not None:
            by_group[one.document.near_id, label].append(one)
    casefold = settings_of(project).casefold
    found: Again = {}
    for document, entity, label in suggested:
        form = form_of(document.text[entity.start : entity.end])
        candidates = by_group.get((document.group_key, label), [])
        if document.near_id is not None:
            candidates = [*candidates, *by_group.get((document.near_id, label), [])]
        same = (one for one in candidates if one.rejection.form == form)
        for _, one in zip(range(LOOKED_AT), same, strict=False):
            there = Place(one.document.text, one.rejection.start, one.rejection.stop)
            if _same_place(Place(document.text, entity.start, entity.end), there, casefold):
                found.setdefault(document.id, {})[entity] = one
                break
    return _without_later_gold(session, project, documents, found)


def flag(
    records: Iterable[Mapping[str, Any]], rejected: Collection[Entity]
) -> list[dict[str, Any]]:
    """The records of a prediction, those of these entities with the flag and no other."""
    flagged = []
    for record in records:
        one = {name: value for name, value in record.items() if name != FLAG}
        if Entity(one["start"], one["end"], one["label"]) in rejected:
            one[FLAG] = True
        flagged.append(one)
    return flagged


def mark(session: Session, project: Project, version: Version, document_ids: Sequence[int]) -> int:
    """Flag what a version suggests again in documents that are about to be shown; how many.

    Not afterwards: what a person was shown stays known, or nobody could tell what they corrected.
    """
    predictions = pool.predictions(session, version.id, document_ids)
    said = {number: prediction.entities for number, prediction in predictions.items()}
    again = made_again(session, project, version, said)
    for number, prediction in predictions.items():
        flagged = flag(prediction.entities, again.get(number, {}))
        if flagged != prediction.entities:
            prediction.entities = flagged
    return sum(map(len, again.values()))


def _read(records: Iterable[Mapping[str, Any]], text: str) -> list[Entity]:
    return [Entity.from_dict(record, length=len(text)) for record in records]


def _standing(session: Session, rejected: Sequence[Rejected]) -> list[Rejected]:
    """Those that nobody has contradicted since, in the same order."""
    if not rejected:
        return []
    ids = {one.document.id for one in rejected}
    states = current_states_of(session, ids)
    gold = gold_of(session, ids)
    says: dict[int, set[tuple[int, int, str]]] = {}
    current: set[int] = set()
    for number in ids:
        its = [one for one in states.get(number, ()) if one.status == AnnotationStatus.SUBMITTED]
        current |= {one.id for one in its}
        records = [record for one in its for record in one.entities] + gold[number]
        says[number] = {(record["start"], record["end"], record["label"]) for record in records}
    return [
        one
        for one in rejected
        if one.state.id in current
        and (one.rejection.start, one.rejection.stop, one.rejection.label)
        not in says[one.document.id]
    ]


def _without_later_gold(
    session: Session, project: Project, documents: Mapping[int, Grouped], found: Again
) -> Again:
    """Those since which no gold of a copy has been given the entity at the same place."""
    if not found:
        return {}
    those = [documents[number] for number in found]
    rejected = [one for its in found.values() for one in its.values()]
    later = in_copies(
        session,
        project.id,
        {one.rejection.form for one in rejected},
        {document.group_key for document in those},
        {document.near_id for document in those if document.near_id is not None},
        min(one.state.updated_at for one in rejected),
    )
    if not later:
        return found
    by_group: dict[tuple[object, str, str], list[InCopy]] = defaultdict(list)
    for mention in later:
        for group in (mention.group_key, mention.near_id):
            its = by_group[group, mention.form, mention.label]
            if group is not None and len(its) < LOOKED_AT:
                its.append(mention)
    looked_at = {mention.document_id for its in by_group.values() for mention in its}
    texts = {number: one.text for number, one in grouped(session, looked_at).items()}
    casefold = settings_of(project).casefold

    def stands(document: Grouped, entity: Entity, one: Rejected) -> bool:
        named = one.rejection.form, one.rejection.label
        return not any(
            mention.updated_at > one.state.updated_at
            and _same_place(
                Place(document.text, entity.start, entity.end),
                Place(texts[mention.document_id], mention.start, mention.stop),
                casefold,
            )
            for group in (document.group_key, document.near_id)
            for mention in by_group.get((group, *named), ())
        )

    kept = {
        number: {
            entity: one for entity, one in its.items() if stands(documents[number], entity, one)
        }
        for number, its in found.items()
    }
    return {number: its for number, its in kept.items() if its}


def _same_place(here: Place, there: Place, casefold: bool) -> bool:
    """Whether two places of two copies are one and the same."""
    if here.text == there.text:
        return (here.start, here.stop) == (there.start, there.stop)
    ((start, end, _),) = normal_entities([Entity(here.start, here.stop, "")], here.text, casefold)
    ((from_, to, _),) = normal_entities([Entity(there.start, there.stop, "")], there.text, casefold)
    pieces = same_pieces(normal_form(here.text, casefold), normal_form(there.text, casefold))
    return any(
        begins <= start and end <= ends and (start - begins, end - begins) == (from_ - at, to - at)
        for begins, ends, at in pieces
    )
