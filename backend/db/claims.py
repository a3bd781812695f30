"""What is said of documents: own gold, and annotations of people who disagree, group by group."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from backend.db.annotations import current_states
from backend.db.bulk import is_one_of
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
    contested = select(Document.group_key).where(Document.id.in_(_contested(project_id)))
    if group_keys is not None:
        own = own.where(is_one_of(session, Document.group_key, group_keys))
        contested = contested.where(is_one_of(session, Document.group_key, group_keys))
    keys = sorted({*session.scalars(own), *session.scalars(contested)})
    for some in chunks(keys, _GROUPS):
        claims = _claims(session, project_id, is_one_of(session, Document.group_key, some))
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
        claims = _claims(session, project_id, is_one_of(session, Document.near_id, some))
        claims.sort(key=lambda claim: (claim.near_id or 0, claim.document_id))
        for _, group in groupby(claims, key=lambda claim: claim.near_id):
            yield list(group)


def _own_gold(project_id: int) -> list[ColumnElement[bool]]:
    return [Gold.project_id == project_id, Gold.source != GoldSource.COPIED]


def _contested(project_id: int) -> Select[int]:
    """Documents without gold that several annotations were submitted for."""
    return (
        select(AnnotationState.document_id)
        .outerjoin(Gold, Gold.document_id == AnnotationState.document_id)
        .where(
            AnnotationState.project_id == project_id,
            AnnotationState.status == AnnotationStatus.SUBMITTED,
            Gold.document_id.is_(None),
        )
        .group_by(AnnotationState.document_id)
        .having(func.count(AnnotationState.annotation_id.distinct()) > 1)
    )


def _claims(session: Session, project_id: int, wanted: ColumnElement[bool]) -> list[Claim]:
    """All claims of the documents that are wanted, ordered by group key, then document."""
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
        .where(wanted, Document.project_id == project_id, Gold.source != GoldSource.COPIED)
    )
    claims = [Claim(*row) for row in gold]
    waiting = session.execute(
        select(*columns).where(
            wanted, Document.project_id == project_id, Document.id.in_(_contested(project_id))
        )
    )
    emails: dict[int | None, str | None] = {None: None}
    for row in waiting.all():
        for state in current_states(session, row[0]):
            if state.status != AnnotationStatus.SUBMITTED:
                continue
            if state.account_id not in emails:
                account = session.get(Account, state.account_id)
                emails[state.account_id] = account.email if account else None
            claims.append(Claim(*row, state.entities, WAITING, emails[state.account_id]))
    return sorted(claims, key=lambda claim: (claim.group_key, claim.document_id))
