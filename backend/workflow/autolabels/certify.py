"""What certify gold says of a version, and the promise that is made of it.

"Exactly right" is strict: span and label of every entity, none missing and none too many, under
the label rules in force and for the labels that the version learned.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db import autolabels, pool
from backend.db.autolabels import CertifyGold
from backend.db.projects import settings_of
from backend.db.tables import Project, Version
from backend.db.tables_of_autolabel import Promise, PromiseState
from backend.workflow.autolabels.looks import certify_in_looks
from backend.workflow.autolabels.promise import Certified, Outcome
from backend.workflow.autolabels.promise_curve import curve
from backend.workflow.labels.label_rules import LabelRules, rules_of
from backend.workflow.versions.labels import labels_of
from ml_backend.contract.entity import Entity

Entities = Sequence[Mapping[str, Any]]


def judges(session: Session, project: Project, version: Version) -> list[CertifyGold]:
    """The certify documents that can judge a version, one a duplicate group, near ones too.

    Left out are those in which nobody looked for a label that the version knows.
    """
    rules = rules_of(session, project)
    known = known_labels(rules, version)
    found: dict[str, CertifyGold] = {}
    for gold in autolabels.certify_gold(session, project.id):
        silent = rules.not_annotated(gold.not_annotated, gold.revision, gold.source)
        if not silent & known:
            found.setdefault(gold.group, gold)
    return list(found.values())


def make_promise(
    session: Session, project: Project, version: Version, by: str, time: datetime
) -> Promise:
    """Certify a version on the gold there is, and put its promise in the place of the last one.

    What one in force promises already goes on as it is: its audit adds up over all runs.
    The project's row must be locked. What the audit has shown to be more than a version keeps is
    not promised of it again: another look at certify gold would not make it better.
    """
    settings = settings_of(project)
    p, delta = settings.autolabel_p, settings.autolabel_delta
    before = autolabels.promises_of(session, version.id)
    tested = outcomes(session, project, version)
    found = certify_in_looks(tested, p, delta, _first_look(before, p, delta))
    for one in before:
        shown = one.figures.get("audit", {}).get("upper", 0.0)  # the most that can be right
        if one.state == PromiseState.STOPPED and shown < p:
            reason = f"the audit contradicted promise {one.id} of {version.name}"
            found = Certified(None, reason, found.documents)
            break
    for one in before:
        says = (p, delta, found.threshold, found.documents)
        if one.state == PromiseState.IN_FORCE and _promises(one) == says:
            return one
    for old in session.scalars(
        select(Promise).where(
            Promise.project_id == project.id,
            Promise.state.in_((PromiseState.IN_FORCE, PromiseState.LACKING)),
        )
    ):
        old.state, old.ended_at = PromiseState.REPLACED, time
    promise = Promise(
        project_id=project.id,
        version_id=version.id,
        p=p,
        delta=delta,
        threshold=found.threshold,
        state=PromiseState.LACKING if found.threshold is None else PromiseState.IN_FORCE,
        reason=found.reason,
        figures={**found.figures(), "curve": curve(tested[: found.documents], delta)},
        signed_by=by,
        created_at=time,
    )
    session.add(promise)
    session.flush()
    return promise


def _promises(one: Promise) -> tuple[float, float, float | None, int | None]:
    """What a promise says, and how much gold it rests on."""
    return one.p, one.delta, one.threshold, one.figures.get("documents")


def _first_look(before: Sequence[Promise], p: float, delta: float) -> int | None:
    """How many documents the first look at a version had, None where there was none."""
    looked = (
        one for one in before if (one.p, one.delta) == (p, delta) and one.figures.get("steps")
    )
    first = next(looked, None)
    return None if first is None else int(first.figures["documents"])


def outcomes(session: Session, project: Project, version: Version) -> list[Outcome]:
    """How sure the version was of each certify document, and whether it was exactly right.

    They come in the order in which their gold came.
    """
    rules = rules_of(session, project)
    known = known_labels(rules, version)
    judging = sorted(judges(session, project, version), key=attrgetter("revision", "document_id"))
    said = pool.predictions(session, version.id, [gold.document_id for gold in judging])
    return [
        Outcome(
            said[gold.document_id].confidence,
            exactly_right(said[gold.document_id].entities, gold.entities, rules, known),
        )
        for gold in judging
        if gold.document_id in said
    ]


def known_labels(rules: LabelRules, version: Version) -> frozenset[str]:
    """The labels that a version can say, under their newest names."""
    trained = labels_of(version).trained or rules.labels
    return frozenset(rules.mapping.of(label) for label in trained)


def exactly_right(
    said: Entities, gold: Entities, rules: LabelRules, known: Collection[str]
) -> bool:
    """Whether what was said is the gold, for these labels and under their newest names."""
    return _keys(said, rules, known) == _keys(gold, rules, known)


def _keys(
    entities: Entities, rules: LabelRules, known: Collection[str]
) -> set[tuple[int, int, str]]:
    read = [Entity(one["start"], one["end"], one["label"]) for one in entities]
    return {entity.key for entity in rules.apply(read) if entity.label in known}
