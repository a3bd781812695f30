"""What the rule accepts of the autolabel queue, under the promise that a curator signed.

What a person has rejected is never accepted by rule afterwards. Gold by rule is for training:
documents that may be drawn at random, and the near copies of those that judge models, are left to
people, and so is a document of which the version says what people have rejected there before.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import or_, update
from sqlalchemy.orm import Session

from backend.db import autolabels
from backend.db.autolabels import Waiting
from backend.db.bulk import is_one_of
from backend.db.gold import NewGold, put_gold
from backend.db.projects import settings_of
from backend.db.tables import Arm, Document, GoldSource, Part, Project, Version
from backend.db.tables_of_autolabel import Audit, AutolabelState, Promise
from backend.workflow.autolabels.items import STORED_AT_ONCE, Proposal, as_gold, move
from backend.workflow.evidence.rejections import FLAG, flag, made_again
from backend.workflow.select import random_border


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
    fresh = flagged(session, project, version, list(proposals.values()))
    accepted = acceptable(session, project, promise, fresh, waiting, {})
    held_back = {one.document_id: one.entities for one in fresh if _is_again(one)}
    share = settings_of(project).audit_share
    for item in items:
        item.entities = held_back.get(item.document_id, item.entities)
        if item.document_id in accepted:
            item.promise_id = promise.id
            if is_audited(promise.id, waiting[item.document_id], share):
                item.audit = Audit.OPEN
            move(session, item, AutolabelState.BY_RULE, f"promise {promise.id}", time)
    make_gold(session, project, promise, [proposals[one] for one in accepted], waiting, time)
    session.flush()
    return items[-1].document_id


def acceptable(
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


def make_gold(
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


def flagged(
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


def is_audited(promise_id: int, document: Waiting, share: float) -> bool:
    """Whether an accepted document is one of those that people label blind, by hash."""
    digest = hashlib.sha256(f"audit:{promise_id}:{document.group_key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def _is_again(proposal: Proposal) -> bool:
    return any(one.get(FLAG) for one in proposal.entities)


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
