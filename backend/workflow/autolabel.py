"""Autolabel: what people said of a document, said of its copies.

An exact copy that was set aside receives its canonical document's gold, projected through the
normal form where the texts differ (in spaces, in width), marked as copied and of the same
revision: nothing new is known by it, so nothing is retrained for it. It follows every change of
its original and is withdrawn with it. So the champion labels the copies set aside by labelling
their originals: an item of the autolabel queue stands for its copies too, and what the rule or a
person accepts of it, or the audit takes back, holds for all of them. A copy on which an entity has
no place gets one in the queue of Label Studio: people see to it. What people said of a copy's own
task, even when they disagree, stands above a copy.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from backend.db import pool
from backend.db.gold import NewGold, put_gold, remove_gold
from backend.db.projects import settings_of
from backend.db.tables import Document, Gold, GoldSource, Project, TaskState
from backend.workflow.duplicates.normal_form import ProjectionError, project_entities
from backend.workflow.select import assign_arms
from ml_backend.contract.entity import Entity

CHUNK = 500

log = logging.getLogger(__name__)

_original, _original_gold = aliased(Document), aliased(Gold)


def copies_behind(session: Session, project_id: int) -> bool:
    """Whether a copy's gold is not what its original's says it should be."""
    return bool(_given(session, project_id, 1) or _behind(session, project_id, 1))


def label_copies(session: Session, project: Project, limit: int = CHUNK) -> int:
    """Give, renew or withdraw the copied gold of up to `limit` copies; how many changed.

    The project's row must be locked. Gold that a copy has of its own is left alone.
    """
    behind = _behind(session, project.id, limit)
    given = _given(session, project.id, limit - len(behind))
    casefold = settings_of(project).casefold
    gone = [copy.document_id for copy in behind if copy.gold is None]
    copied, left = [], []
    for copy in [*behind, *given]:
        if copy.gold is None:
            continue
        entities = _projected(copy, casefold)
        if entities is None:
            left.append(copy.document_id)
        else:
            copied.append(_copy(copy.document_id, copy.gold, entities))
    remove_gold(session, project.id, gone + left)
    put_gold(session, project, copied)
    _leave_to_people(session, project, left)
    return len(behind) + len(given)


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy, and its original with the gold it should have; None where it should have none."""

    document_id: int
    text: str
    original_text: str
    gold: Gold | None


def _projected(copy: _Copy, casefold: bool) -> list[dict[str, Any]] | None:
    """The original's entities on the copy's text; None where one has no place there."""
    assert copy.gold is not None
    if copy.text == copy.original_text:
        return copy.gold.entities
    read = [Entity(one["start"], one["end"], one["label"]) for one in copy.gold.entities]
    try:
        found = project_entities(read, copy.original_text, copy.text, casefold)
    except (ProjectionError, ValueError) as error:
        log.info("event=copy_left_to_people document=%d reason=%s", copy.document_id, error)
        return None
    return [entity.to_dict() for entity in found]


def _leave_to_people(session: Session, project: Project, ids: Sequence[int]) -> None:
    """Give copies that nothing could be projected to a place in the queue."""
    documents = list(pool.documents(session, ids).values())
    assign_arms(session, project.id, documents, [])
    for document in documents:
        if document.queue_number is None:
            project.last_queue_number += 1
            document.queue_number = project.last_queue_number
    session.flush()


def _copy(document_id: int, source: Gold, entities: list[dict[str, Any]]) -> NewGold:
    return NewGold(
        document_id=document_id,
        entities=entities,
        source=GoldSource.COPIED,
        revision=source.revision,
        updated_at=source.updated_at,
        account_id=source.account_id,
        annotation_state_id=source.annotation_state_id,
        adjudication_id=source.adjudication_id,
        promise_id=source.promise_id,
        version_name=source.version_name,
    )


def _takes_copies() -> ColumnElement[bool]:
    """Whether a document may hold its original's gold; one left to people is theirs."""
    return and_(
        or_(Document.text == _original.text, Document.queue_number.is_(None)),
        func.coalesce(Document.task_state, "") != TaskState.DONE,
    )


def _given(session: Session, project_id: int, limit: int) -> list[_Copy]:
    """Copies that have no gold yet, with that of their originals."""
    rows = session.execute(
        select(Document.id, Document.text, _original.text, _original_gold)
        .join(_original, _original.id == Document.canonical_id)
        .join(_original_gold, _original_gold.document_id == _original.id)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(
            Document.project_id == project_id,
            Document.canonical_id.is_not(None),  # says the join, but an index wants it said
            Gold.document_id.is_(None),
            _original_gold.source != GoldSource.COPIED,
            _takes_copies(),
        )
        .order_by(Document.id)
        .limit(limit)
    )
    return [_Copy(*row) for row in rows]


def _behind(session: Session, project_id: int, limit: int) -> list[_Copy]:
    """Copied gold that its original's has left behind, with that; None where it must go."""
    must_go = or_(
        _original.id.is_(None),  # no copy any more
        _original_gold.document_id.is_(None),
        _original_gold.source == GoldSource.COPIED,
        not_(_takes_copies()),
    )
    rows = session.execute(
        select(Document.id, Document.text, _original.text, _original_gold, must_go)
        .select_from(Gold)
        .join(Document, Document.id == Gold.document_id)
        .outerjoin(_original, _original.id == Document.canonical_id)
        .outerjoin(_original_gold, _original_gold.document_id == _original.id)
        .where(
            Gold.project_id == project_id,
            Gold.source == GoldSource.COPIED,
            or_(must_go, Gold.revision != _original_gold.revision),
        )
        .order_by(Gold.document_id)
        .limit(limit)
    )
    return [
        _Copy(number, text, original or "", None if goes else gold)
        for number, text, original, gold, goes in rows
    ]
