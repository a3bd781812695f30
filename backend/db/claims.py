"""What is said of documents: own gold, and annotations of people who disagree, group by group."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import Session

from backend.db.annotations import current_states_of
from backend.db.bulk import is_one_of
from backend.db.duplicates import in_groups_of
from backend.db.pool import chunks
from backend.db.tables import (
    Account,
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    GoldSource,
)

WAITING = "annotation"  # the source of a claim that is no gold: its document waits for a decision
_GROUPS = 500  # read at a time


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody says the entities of a document are; `who` is an address where it is known."""

    document_id: int
    name: str
    text: str
    group_key: str
    near_id: int | None
    entities: list[dict[str, Any]]
    source: str
    who: str | None


def exact_claims(
    session: Session, project_id: int, group_keys: Collection[str] | None = None
) -> Iterator[list[Claim]]:
    """The claims of each exact group that has several, by the groups' keys."""
    own = (
        select(Document.group_key)
        .join(Gold, Gold.document_id == Document.id)
        .where(*_own_gold(project_id))
        .group_by(Document.group_key)
        .having(func.count() > 1)
    )
    of = AnnotationState.project_id == project_id
    if group_keys is not None:
        wanted = _its(project_id, is_one_of(session, Document.group_key, group_keys))
        own, of = own.where(wanted), _annotations_of(wanted)
    contested = select(Document.group_key).where(Document.id.in_(_contested(of)))
    keys = sorted({*session.scalars(own), *session.scalars(contested)})
    for some in chunks(keys, _GROUPS):
        claims = _claims(session, _its(project_id, is_one_of(session, Document.group_key, some)))
        for _, group in groupby(claims, key=lambda claim: claim.group_key):
            found = list(group)
            if len(found) > 1:
                yield found


def near_claims(
    session: Session, project_id: int, near_ids: Collection[int] | None = None
) -> Iterator[list[Claim]]:
    """The claims of each near group that has them in several exact groups, oldest group first."""
    statement = (
        select(Document.near_id)
        .join(Gold, Gold.document_id == Document.id)
        .where(*_own_gold(project_id), Document.near_id.is_not(None))
        .group_by(Document.near_id)
        .having(func.count(Document.group_key.distinct()) > 1)
    )
    if near_ids is not None:
        statement = statement.where(is_one_of(session, Document.near_id, near_ids))
    ids = sorted(number for number in session.scalars(statement) if number is not None)
    for some in chunks(ids, _GROUPS):
        claims = _claims(session, _its(project_id, is_one_of(session, Document.near_id, some)))
        claims.sort(key=lambda claim: (claim.near_id or 0, claim.document_id))
        for _, group in groupby(claims, key=lambda claim: claim.near_id):
            yield list(group)


def claims_about(session: Session, document: Document) -> list[Claim]:
    """The claims of a document's exact group, and of its near group where it is in one."""
    return _claims(session, in_groups_of(document))


def _own_gold(project_id: int) -> list[ColumnElement[bool]]:
    return [Gold.project_id == project_id, Gold.source != GoldSource.COPIED]


def _its(project_id: int, wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(Document.project_id == project_id, wanted)


def _annotations_of(wanted: ColumnElement[bool]) -> ColumnElement[bool]:
    """Those of a few documents: they are not looked for among all of the project."""
    return AnnotationState.document_id.in_(select(Document.id).where(wanted))


def _contested(of: ColumnElement[bool]) -> Select[int]:
    """Documents without gold for which several of these annotations were submitted."""
    return (
        select(AnnotationState.document_id)
        .outerjoin(Gold, Gold.document_id == AnnotationState.document_id)
        .where(of, AnnotationState.status == AnnotationStatus.SUBMITTED, Gold.document_id.is_(None))
        .group_by(AnnotationState.document_id)
        .having(func.count(AnnotationState.annotation_id.distinct()) > 1)
    )


def _claims(session: Session, wanted: ColumnElement[bool]) -> list[Claim]:
    """All claims of the documents that are wanted, ordered by group key, then document.

    What is wanted names the project, where it must: any more would lead SQLite to another index.
    """
    columns = (
        Document.id,
        Document.external_id,
        Document.text,
        Document.group_key,
        Document.near_id,
    )
    gold = session.execute(
        select(*columns, Gold.entities, Gold.source, Account.email)
        .join(Gold, Gold.document_id == Document.id)
        .outerjoin(Account, Account.id == Gold.account_id)
        .where(wanted, Gold.source != GoldSource.COPIED)
    )
    claims = [Claim(*row) for row in gold]
    waiting = session.execute(
        select(*columns).where(Document.id.in_(_contested(_annotations_of(wanted))))
    ).all()
    if waiting:
        states = current_states_of(session, [row[0] for row in waiting])
        submitted = [
            (row, state)
            for row in waiting
            for state in states[row[0]]
            if state.status == AnnotationStatus.SUBMITTED
        ]
        people = {state.account_id for _, state in submitted}
        accounts = select(Account.id, Account.email).where(Account.id.in_(people))
        emails: dict[int | None, str] = {row[0]: row[1] for row in session.execute(accounts)}
        claims += [
            Claim(*row, state.entities, WAITING, emails.get(state.account_id))
            for row, state in submitted
        ]
    return sorted(claims, key=lambda claim: (claim.group_key, claim.document_id))
