"""The autolabel queue's items: what a version would have a document's gold be, and what came of it.

    pending → by_rule | by_person | rejected | sent        by_rule → recalled

A version's item replaces an older version's that is pending, rejected or recalled; what is gold
already keeps the version that made it, and what people have in Label Studio is theirs. What a
person has rejected is never accepted by rule afterwards. Gold by rule is for training: documents
that may be drawn at random, and the near copies of those that judge models, are left to people,
and so is a document of which the version says what people have rejected there before.

Every change of a state is kept in `autolabel_changes`. Functions that change gold want the
project's row locked.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from backend.db import autolabels
from backend.db.autolabels import Waiting
from backend.db.bulk import insert_rows, is_one_of
from backend.db.gold import NewGold, put_gold
from backend.db.label_counts import add_counts
from backend.db.projects import settings_of
from backend.db.tables import Arm, Document, GoldSource, Part, Prediction, Project, Version
from backend.db.tables_of_autolabel import (
    Audit,
    Autolabel,
    AutolabelChange,
    AutolabelState,
    Promise,
)
from backend.db.tables_of_labels import Counted
from backend.workflow.rejections import FLAG, flag, made_again
from backend.workflow.select import random_border
from backend.workflow.version_labels import labels_of

STORED_AT_ONCE = 500  # documents a transaction

_ITEM = (
    "document_id",
    "project_id",
    "version_id",
    "promise_id",
    "state",
    "entities",
    "confidence",
    "audit",
    "changed_by",
    "changed_at",
)
_CHANGE = ("document_id", "version_id", "state", "changed_by", "reason", "changed_at")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a version says of one document."""

    document_id: int
    entities: list[dict[str, Any]]
    confidence: float


@dataclass(frozen=True, slots=True)
class Stored:
    """How many items were new, and how many of them the rule accepted."""

    items: int = 0
    accepted: int = 0


def store(
    session: Session,
    project: Project,
    version: Version,
    promise: Promise | None,
    proposals: Sequence[Proposal],
    by: str,
    time: datetime,
) -> Stored:
    """Keep a version's proposals as predictions and items, and accept what the promise allows.

    What is stored already stays as it is, and documents that left the pool meanwhile are passed
    over, so the same proposals may come any number of times.
    """
    wanted = {proposal.document_id: proposal for proposal in proposals}
    waiting = autolabels.waiting(session, project.id, list(wanted))
    old = {
        row.document_id: row
        for row in session.execute(
            select(
                Autolabel.document_id, Autolabel.version_id, Autolabel.state, Autolabel.entities
            ).where(is_one_of(session, Autolabel.document_id, list(waiting)))
        )
    }
    fresh = [wanted[one] for one in waiting if one not in old or old[one].version_id != version.id]
    if not fresh:
        return Stored()
    fresh = _flagged(session, project, version, fresh)
    keep_predictions(session, project.id, version.id, fresh, time)
    accepted = _acceptable(session, project, promise, fresh, waiting, old)
    _replace(session, project, version, promise, fresh, waiting, accepted, old, by, time)
    if promise is not None:
        _make_gold(session, project, promise, [wanted[one] for one in accepted], waiting, time)
    return Stored(len(fresh), len(accepted))


def accept_pending(
    session: Session, project: Project, promise: Promise, after: int, time: datetime
) -> int:
    """Accept some items, after a document's number, that were pending when the promise was made.

    Returns the last number looked at, 0 when there are none left.
    """
    assert promise.threshold is not None
    items = autolabels.pending_from(
        session, project.id, promise.version_id, promise.threshold, after, STORED_AT_ONCE
    )
    if not items:
        return 0
    waiting = autolabels.waiting(session, project.id, [item.document_id for item in items])
    proposals = {
        item.document_id: Proposal(item.document_id, item.entities, item.confidence)
        for item in items
        if item.document_id in waiting
    }
    version = session.get_one(Version, promise.version_id)
    flagged = _flagged(session, project, version, list(proposals.values()))
    accepted = _acceptable(session, project, promise, flagged, waiting, {})
    held_back = {one.document_id: one.entities for one in flagged if _is_again(one)}
    share = settings_of(project).audit_share
    for item in items:
        item.entities = held_back.get(item.document_id, item.entities)
        if item.document_id in accepted:
            item.promise_id = promise.id
            if is_audited(promise.id, waiting[item.document_id], share):
                item.audit = Audit.OPEN
            move(session, item, AutolabelState.BY_RULE, f"promise {promise.id}", time)
    _make_gold(session, project, promise, [proposals[one] for one in accepted], waiting, time)
    session.flush()
    return items[-1].document_id


def keep_predictions(
    session: Session, project_id: int, version_id: int, fresh: Sequence[Proposal], time: datetime
) -> None:
    """Keep the predictions; those of other versions, which nobody was shown, go."""
    ids = [proposal.document_id for proposal in fresh]
    its = is_one_of(session, Prediction.document_id, ids)
    rows = session.execute(
        select(Prediction.document_id, Prediction.version_id, Prediction.entities).where(its)
    ).all()
    known = {row.document_id for row in rows if row.version_id == version_id}
    for other in {row.version_id for row in rows} - {version_id}:
        gone = [row.entities for row in rows if row.version_id == other]
        add_counts(session, project_id, Counted.PREDICTION, other, gone, ())
    if len(rows) > len(known):
        session.connection().execute(
            delete(Prediction).where(its, Prediction.version_id != version_id)
        )
    added = [proposal for proposal in fresh if proposal.document_id not in known]
    insert_rows(
        session,
        Prediction,
        ("document_id", "version_id", "entities", "confidence", "created_at"),
        ((one.document_id, version_id, one.entities, one.confidence, time) for one in added),
    )
    entities = [one.entities for one in added]
    add_counts(session, project_id, Counted.PREDICTION, version_id, (), entities)


def as_gold(
    entities: Sequence[Mapping[str, Any]], project: Project, version: Version
) -> list[dict[str, Any]]:
    """A version's entities as gold holds them: its labels' names, without the probabilities.

    What people have rejected there before is left out.
    """
    named = labels_of(version).in_gold(project.labels)
    return [
        {
            "start": one["start"],
            "end": one["end"],
            "label": named.get(one["label"], one["label"]),
        }
        for one in entities
        if not one.get(FLAG)
    ]


def is_audited(promise_id: int, document: Waiting, share: float) -> bool:
    """Whether an accepted document is one of those that people label blind, by hash."""
    digest = hashlib.sha256(f"audit:{promise_id}:{document.group_key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def move(
    session: Session,
    item: Autolabel,
    state: AutolabelState,
    by: str,
    time: datetime,
    reason: str = "",
) -> None:
    """Give an item another state, and keep who did it when."""
    item.state, item.changed_by, item.changed_at = state, by, time
    session.add(
        AutolabelChange(
            document_id=item.document_id,
            version_id=item.version_id,
            state=state,
            changed_by=by,
            reason=reason,
            changed_at=time,
        )
    )


def _acceptable(
    session: Session,
    project: Project,
    promise: Promise | None,
    fresh: Sequence[Proposal],
    waiting: Mapping[int, Waiting],
    old: Mapping[int, Any],
) -> set[int]:
    """The documents that the rule accepts."""
    if promise is None or promise.threshold is None:
        return set()
    border = random_border(settings_of(project).random_share)
    sure = [
        waiting[one.document_id]
        for one in fresh
        if one.confidence >= promise.threshold
        and not _is_again(one)
        and not (one.document_id in old and old[one.document_id].state == AutolabelState.REJECTED)
    ]
    if not sure:
        return set()
    return {one.id for one in sure} - autolabels.judging(session, project.id, sure, border)


def _flagged(
    session: Session, project: Project, version: Version, proposals: Sequence[Proposal]
) -> list[Proposal]:
    """The same, with a flag where people have rejected before what the version says."""
    said = {one.document_id: one.entities for one in proposals}
    again = made_again(session, project, version, said)
    return [
        replace(one, entities=flag(one.entities, again[one.document_id]))
        if one.document_id in again
        else one
        for one in proposals
    ]


def _is_again(proposal: Proposal) -> bool:
    return any(one.get(FLAG) for one in proposal.entities)


def _replace(
    session: Session,
    project: Project,
    version: Version,
    promise: Promise | None,
    fresh: Sequence[Proposal],
    waiting: Mapping[int, Waiting],
    accepted: set[int],
    old: Mapping[int, Any],
    by: str,
    time: datetime,
) -> None:
    """Write the items, in place of those of older versions, and what changed."""
    share = settings_of(project).audit_share
    gone = [one.document_id for one in fresh if one.document_id in old]
    if gone:
        for other in {old[one].version_id for one in gone}:
            before = [old[one].entities for one in gone if old[one].version_id == other]
            add_counts(session, project.id, Counted.AUTOLABEL, other, before, ())
        session.connection().execute(
            delete(Autolabel).where(is_one_of(session, Autolabel.document_id, gone))
        )
    rule = f"promise {promise.id}" if promise is not None else ""
    rows, changes = [], []
    for one in fresh:
        taken = one.document_id in accepted
        state = AutolabelState.BY_RULE if taken else AutolabelState.PENDING
        audited = taken and promise and is_audited(promise.id, waiting[one.document_id], share)
        who = rule if taken else by
        rows.append(
            (
                one.document_id,
                project.id,
                version.id,
                promise.id if taken and promise else None,
                state,
                one.entities,
                one.confidence,
                Audit.OPEN if audited else None,
                who,
                time,
            )
        )
        if one.document_id not in old or old[one.document_id].state != state:
            changes.append((one.document_id, version.id, state, who, "", time))
    insert_rows(session, Autolabel, _ITEM, rows)
    insert_rows(session, AutolabelChange, _CHANGE, changes)
    entities = [one.entities for one in fresh]
    add_counts(session, project.id, Counted.AUTOLABEL, version.id, (), entities)


def _make_gold(
    session: Session,
    project: Project,
    promise: Promise,
    accepted: Sequence[Proposal],
    waiting: Mapping[int, Waiting],
    time: datetime,
) -> None:
    """What the rule accepted is gold, and its groups train."""
    if not accepted:
        return
    _train_on(session, project.id, [waiting[one.document_id] for one in accepted])
    project.gold_revision += 1
    version = session.get_one(Version, promise.version_id)
    put_gold(
        session,
        project,
        [
            NewGold(
                document_id=one.document_id,
                entities=as_gold(one.entities, project, version),
                source=GoldSource.RULE,
                revision=project.gold_revision,
                updated_at=time,
                promise_id=promise.id,
                version_name=version.name,
            )
            for one in sorted(accepted, key=lambda one: one.document_id)
        ],
    )


def _train_on(session: Session, project_id: int, documents: Sequence[Waiting]) -> None:
    """Groups whose documents were accepted, near ones too, train for good."""
    keys = {document.group_key for document in documents}
    near = {document.near_id for document in documents if document.near_id is not None}
    its = is_one_of(session, Document.group_key, keys)
    session.execute(
        update(Document)
        .where(
            Document.project_id == project_id,
            Document.part.is_(None),
            or_(its, is_one_of(session, Document.near_id, near)) if near else its,
        )
        .values(arm=Arm.RANKED, part=Part.TRAIN),
        execution_options={"synchronize_session": False},
    )
