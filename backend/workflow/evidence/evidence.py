"""Evidence for a pre-label: what speaks for it, and what people have made of the like before.

For each entity that a version suggests: its probability and the runner-up, how gold labels the same
string, mentions of it in gold, similar strings where there are few, and what people have corrected.
Nothing of a document that is to be labelled blind, before people have.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from backend.db import mentions, rejections
from backend.db.mentions import Counted, Example
from backend.db.rejections import Corrected, Rejected
from backend.db.said import Said, last_said, shown_document
from backend.db.tables import Document, Project
from backend.workflow.evidence.mention_forms import form_of, grams_of, likeness
from backend.workflow.evidence.rejections import made_again
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.entity import Entity

LISTED = 20  # suggestions of a document that are told at once
FEW = 5  # mentions of the same string below which similar ones are looked for
EXAMPLES = 2  # mentions told of each label of a string
ALIKE = 3  # similar strings told
LOOKED_AT = 30  # strings that share most bigrams, of which the most similar are told
LEAST_ALIKE = 0.4  # Dice's coefficient
LOOKED_UP = 12  # bigrams of a long string by which similar ones are found


class Fate(StrEnum):
    """What became of a suggestion on its way to people."""

    SHOWN = "shown"
    LEFT_OUT = "left_out"  # less sure than what the queue sends, or people were to label blind
    REJECTED = "rejected"  # people have rejected it here before


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The likeliest other label of the same span."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Similar:
    """Another string of gold: how much it is alike in [0, 1], its labels, one mention of it."""

    form: str
    likeness: float
    labels: Mapping[str, int]
    example: Example


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One entity that a version suggests, under gold's name of its label, and the evidence.

    `labels` is how often gold has each label on the same string elsewhere, `corrections` in how
    many documents people have made what of suggestions of it.
    """

    entity: Entity
    surface: str
    fate: Fate
    runner_up: RunnerUp | None
    rejected: Rejected | None = None
    labels: Mapping[str, int] = field(default_factory=dict)
    examples: Sequence[Example] = ()
    similar: Sequence[Similar] = ()
    corrections: Sequence[Corrected] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """The suggestions for a document in the order of its text; `after` is where there are more.

    `said` is None where no version has said anything, or `blind`. `behind` says that gold has
    changed since its strings were read.
    """

    document: Document
    said: Said | None
    blind: bool
    behind: bool
    suggestions: Sequence[Suggestion] = ()
    after: int | None = None


def evidence(
    session: Session,
    project: Project,
    document_id: int,
    *,
    after: int = -1,
    span: tuple[int, int] | None = None,
) -> Evidence:
    """The evidence for what is suggested for a document after an offset, or at one span.

    Raises NotFoundError when the project has no such document.
    """
    shown = shown_document(session, project, document_id)
    document, behind = shown.document, project.gold_revision > (shown.read or 0)
    if shown.is_blind:
        return Evidence(document, None, True, behind)
    said = last_said(session, project, shown)
    if said is None:
        return Evidence(document, None, False, behind)
    records = [
        record
        for record in sorted(said.prediction.entities, key=lambda one: (one["start"], one["end"]))
        if record["start"] > after and (span is None or (record["start"], record["end"]) == span)
    ]
    told = _told(session, project, document, said, records[:LISTED])
    more = told[-1].entity.start if len(records) > LISTED else None
    return Evidence(document, said, False, behind, told, more)


def _told(
    session: Session,
    project: Project,
    document: Document,
    said: Said,
    records: Sequence[Mapping[str, Any]],
) -> list[Suggestion]:
    shown = {(one["start"], one["end"], one["label"]) for one in said.shown.entities}
    surfaces = [document.text[one["start"] : one["end"]] for one in records]
    forms = {form_of(one) for one in surfaces}
    found = _of_forms(session, project.id, forms, document.id)
    rejected: Mapping[Entity, Rejected] = {}
    if found.corrections:
        again = made_again(session, project, said.version, {document.id: records})
        rejected = again.get(document.id, {})
    named = labels_of(said.version).in_gold(project.labels)
    suggestions = []
    for record, surface in zip(records, surfaces, strict=True):
        entity = Entity.from_dict(record, length=len(document.text))
        fate = Fate.SHOWN if entity.key in shown else Fate.LEFT_OUT
        if record.get("rejected") or (entity in rejected and document.task_id is None):
            fate = Fate.REJECTED
        label = named.get(entity.label, entity.label)
        form = form_of(surface)
        suggestions.append(
            Suggestion(
                Entity(entity.start, entity.end, label, entity.probability),
                surface,
                fate,
                _runner_up(record, named),
                rejected.get(entity),
                found.labels.get(form, {}),
                found.examples.get(form, ()),
                found.similar.get(form, ()),
                found.corrections.get(form, ()),
            )
        )
    return suggestions


@dataclass(frozen=True, slots=True)
class _OfForms:
    """What is known of each form."""

    labels: Mapping[str, Mapping[str, int]]
    examples: Mapping[str, Sequence[Example]]
    similar: Mapping[str, Sequence[Similar]]
    corrections: Mapping[str, Sequence[Corrected]]


def _of_forms(
    session: Session, project_id: int, forms: Collection[str], document_id: int
) -> _OfForms:
    """Everything about some forms but what the document itself says of them, in few queries."""
    same = mentions.counted_forms(session, project_id, forms, without=document_id)
    rare = [one for one in forms if one not in same or sum(same[one].labels.values()) < FEW]
    alike = _alike(session, project_id, filter(None, rare), document_id)
    wanted = [one.id for one in same.values()]
    wanted += [other.id for its in alike.values() for other, _ in its]
    told = mentions.examples(session, wanted, EXAMPLES, without=document_id)
    similar = {
        form: [Similar(one.form, near, one.labels, told[one.id][0]) for one, near in its]
        for form, its in alike.items()
    }
    corrections: dict[str, list[Corrected]] = {}
    for was in rejections.corrected(session, project_id, forms):
        corrections.setdefault(was.form, []).append(was)
    return _OfForms(
        {form: one.labels for form, one in same.items()},
        {form: told[one.id] for form, one in same.items()},
        similar,
        corrections,
    )


def _alike(
    session: Session, project_id: int, forms: Iterable[str], document_id: int
) -> dict[str, list[tuple[Counted, float]]]:
    """For each form the most similar ones that gold has, with their likeness."""
    grams = {form: sorted(grams_of(form))[:LOOKED_UP] for form in forms}
    numbers = mentions.alike(session, project_id, grams, LOOKED_AT)
    others = {number for its in numbers.values() for number in its}
    known = mentions.counted(session, others, without=document_id)
    found = {}
    for form, its in numbers.items():
        there = [known[number] for number in its if number in known]
        scored = [(one, likeness(form, one.form)) for one in there if one.form != form]
        best = [one for one in scored if one[1] >= LEAST_ALIKE]
        found[form] = sorted(best, key=lambda one: (-one[1], one[0].id))[:ALIKE]
    return found


def _runner_up(record: Mapping[str, Any], named: Mapping[str, str]) -> RunnerUp | None:
    found = record.get("runner_up")
    if not isinstance(found, Mapping):
        return None
    label = str(found["label"])
    return RunnerUp(named.get(label, label), float(found["probability"]))
