"""Questions about releases, and about the gold that goes into one."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import Select, Text, cast, func, select
from sqlalchemy.orm import Session, aliased

from backend.db.pool import chunks
from backend.db.tables import Account, AnnotationState, AnnotationStatus, Document, Gold, Part
from backend.db.tables_of_autolabel import AutolabelChange, AutolabelState, Promise
from backend.db.tables_of_labels import Adjudication
from backend.db.tables_of_releases import Release
from backend.errors import NotFoundError

PAGE = 500  # documents

_canonical, _oldest = aliased(Document), aliased(Document)


class GoldRow(Struct, gc=False):
    """One document's gold as it is stored; JSON columns are not parsed.

    `copy_of` is the name of the document that this one is a copy of, `near_key` the key of the
    oldest of its near copies.
    """

    document_id: int
    external_id: str
    text: str
    meta: str
    file: str | None
    group_key: str
    canonical_id: int | None
    part: str | None
    not_annotated: str | None
    entities: str
    source: str
    account_id: int | None
    annotation_state_id: int | None
    adjudication_id: int | None
    promise_id: int | None
    version_name: str | None
    revision: int
    copy_of: str | None
    near_key: str | None


def gold_pages(
    session: Session,
    project_id: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Sequence[GoldRow]]:
    """All gold of a project, changed in `since` ≤ time < `until`, page by page in constant memory.

    Rows are what the driver gives: SQLAlchemy's would take twice the time of the driver's.
    """
    statement = (
        select(
            Document.id,
            Document.external_id,
            Document.text,
            cast(Document.meta, Text),
            Document.file,
            Document.group_key,
            Document.canonical_id,
            Document.part,
            cast(Document.not_annotated, Text),
            cast(Gold.entities, Text),
            Gold.source,
            Gold.account_id,
            Gold.annotation_state_id,
            Gold.adjudication_id,
            Gold.promise_id,
            Gold.version_name,
            Gold.revision,
            _canonical.external_id,
            _oldest.group_key,
        )
        .join(Gold, Gold.document_id == Document.id)
        .outerjoin(_canonical, _canonical.id == Document.canonical_id)
        .outerjoin(_oldest, _oldest.id == Document.near_id)
        .where(Document.project_id == project_id)
    )
    if since is not None:
        statement = statement.where(Gold.updated_at >= since)
    if until is not None:
        statement = statement.where(Gold.updated_at < until)
    with closing(_driver_cursor(session, statement)) as cursor:
        while page := cursor.fetchmany(PAGE):
            yield list(starmap(GoldRow, page))


def _driver_cursor(session: Session, statement: Select[*tuple[Any, ...]]) -> Any:
    """Run a statement in the driver, the rows left in the database until they are fetched."""
    engine = session.get_bind()
    sql = str(statement.compile(engine, compile_kwargs={"literal_binds": True}))
    connection = session.connection().connection
    streamed = {} if engine.dialect.name == "sqlite" else {"name": "gold"}
    cursor = connection.cursor(**streamed)
    cursor.execute(sql)
    return cursor


def disputed_groups(session: Session, project_id: int) -> list[tuple[set[str], set[str]]]:
    """Groups of copies and near copies whose documents do not all name one part.

    Each with its keys and the parts that were named; documents that name none count for train.
    """
    exact = session.execute(
        select(Document.group_key, _canonical.near_id, Document.part, _canonical.part)
        .join(_canonical, _canonical.id == Document.canonical_id)
        .where(
            Document.project_id == project_id,
            Document.canonical_id.is_not(None),
            Document.part.is_distinct_from(_canonical.part),
        )
    ).all()
    near = session.scalars(
        select(Document.near_id)
        .where(Document.project_id == project_id, Document.near_id.is_not(None))
        .group_by(Document.near_id)
        .having(func.count(func.coalesce(Document.part, Part.TRAIN).distinct()) > 1)
    )
    groups: dict[str | int, tuple[set[str], set[str]]] = {}
    near_ids = {near_id for near_id in near if near_id is not None}
    for key, near_id, *parts in exact:
        name: str | int = near_id or key
        keys, named = groups.setdefault(name, (set(), set()))
        keys.add(key)
        named.update(part or Part.TRAIN for part in parts)
        near_ids |= {near_id} if near_id else set()
    for ids in chunks(sorted(near_ids)):
        rows = session.execute(
            select(Document.near_id, Document.group_key, Document.part).where(
                Document.project_id == project_id, Document.near_id.in_(ids)
            )
        )
        for near_id, key, part in rows:
            keys, named = groups.setdefault(near_id or 0, (set(), set()))
            keys.add(key)
            named.add(part or Part.TRAIN)
    return list(groups.values())


def count_gold(session: Session, project_id: int) -> int:
    """How many documents have gold."""
    statement = select(func.count()).select_from(Gold).where(Gold.project_id == project_id)
    return session.execute(statement).scalar_one()


@dataclass(frozen=True, slots=True)
class Said:
    """What one person's annotation of a document says now."""

    person: str  # an address; empty where Label Studio did not tell
    entities: frozenset[tuple[int, int, str]]
    version_name: str | None  # of the prediction it began from


def said(session: Session, document_ids: Collection[int]) -> dict[int, list[Said]]:
    """The submitted annotations of documents as they stand, by document, in their order."""
    latest: dict[tuple[int, int], Any] = {}
    for ids in chunks(list(document_ids)):
        rows = session.execute(
            select(
                AnnotationState.document_id,
                AnnotationState.annotation_id,
                AnnotationState.status,
                AnnotationState.entities,
                AnnotationState.version_name,
                Account.email,
            )
            .outerjoin(Account, Account.id == AnnotationState.account_id)
            .where(AnnotationState.document_id.in_(ids))
            .order_by(AnnotationState.updated_at, AnnotationState.id)
        )
        for row in rows:
            latest[row.document_id, row.annotation_id] = row
    found: dict[int, list[Said]] = {}
    for (document_id, _), row in sorted(latest.items()):
        if row.status == AnnotationStatus.SUBMITTED:
            spans = frozenset((e["start"], e["end"], e["label"]) for e in row.entities)
            found.setdefault(document_id, []).append(Said(row.email or "", spans, row.version_name))
    return found


def annotated_by_several(session: Session, project_id: int) -> Iterator[Sequence[int]]:
    """Documents that more than one person annotated, a page of ids at a time."""
    statement = (
        select(AnnotationState.document_id)
        .where(AnnotationState.project_id == project_id)
        .group_by(AnnotationState.document_id)
        .having(func.count(AnnotationState.account_id.distinct()) > 1)
        .order_by(AnnotationState.document_id)
    )
    yield from chunks(list(session.scalars(statement)))


def emails(session: Session) -> dict[int, str]:
    """The address of every account."""
    return {row[0]: row[1] for row in session.execute(select(Account.id, Account.email))}


def promises(session: Session, project_id: int) -> dict[int, tuple[float, float]]:
    """p and δ of every promise of a project."""
    statement = select(Promise.id, Promise.p, Promise.delta).where(Promise.project_id == project_id)
    return {row[0]: (row[1], row[2]) for row in session.execute(statement)}


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided about a group that was labelled differently, and on which document."""

    decided_by: str
    reason: str
    external_id: str


def decisions(session: Session, numbers: Iterable[int]) -> dict[int, Decision]:
    """Adjudications by their number."""
    found: dict[int, Decision] = {}
    for ids in chunks(sorted(numbers)):
        rows = session.execute(
            select(Adjudication.id, Adjudication.made_by, Adjudication.reason, Document.external_id)
            .join(Document, Document.id == Adjudication.document_id)
            .where(Adjudication.id.in_(ids))
        )
        found.update((row[0], Decision(row[1], row[2], row[3])) for row in rows)
    return found


class OriginalGold(NamedTuple):
    """Gold that copies have; JSON columns are not parsed."""

    document_id: int
    source: str
    file: str | None
    not_annotated: str | None
    entities: str


def originals(session: Session, document_ids: Collection[int]) -> dict[int, OriginalGold]:
    """The gold of documents that have copies, as it is stored."""
    found: dict[int, OriginalGold] = {}
    for ids in chunks(list(document_ids)):
        rows = session.execute(
            select(
                Gold.document_id,
                Gold.source,
                Document.file,
                cast(Document.not_annotated, Text),
                cast(Gold.entities, Text),
            )
            .join(Document, Document.id == Gold.document_id)
            .where(Gold.document_id.in_(ids))
        )
        found.update((row[0], OriginalGold._make(row)) for row in rows)
    return found


def accepted_by(session: Session, document_ids: Collection[int]) -> dict[int, str]:
    """Who last accepted what the autolabel queue has of documents."""
    found: dict[int, str] = {}
    for ids in chunks(list(document_ids)):
        rows = session.execute(
            select(AutolabelChange.document_id, AutolabelChange.changed_by)
            .where(
                AutolabelChange.document_id.in_(ids),
                AutolabelChange.state == AutolabelState.BY_PERSON,
                AutolabelChange.reason == "",  # to undo a rejection is not to accept
            )
            .order_by(AutolabelChange.id)
        )
        found.update((row[0], row[1]) for row in rows)
    return found


def releases(session: Session, project_id: int) -> Sequence[Release]:
    """The releases of a project, newest last."""
    statement = select(Release).where(Release.project_id == project_id).order_by(Release.number)
    return session.scalars(statement).all()


def newest_releases(
    session: Session, project_id: int, *, before: int = 0, limit: int
) -> Sequence[Release]:
    """Releases of a project, newest first, older than number `before` where it is given."""
    statement = select(Release).where(Release.project_id == project_id)
    if before:
        statement = statement.where(Release.number < before)
    return session.scalars(statement.order_by(Release.number.desc()).limit(limit)).all()


def texts(session: Session, project_id: int, external_ids: Collection[str]) -> dict[str, str]:
    """The texts of documents by their own ids; few of them."""
    rows = session.execute(
        select(Document.external_id, Document.text).where(
            Document.project_id == project_id, Document.external_id.in_(external_ids)
        )
    )
    return {name: text for name, text in rows}


def last_release(session: Session, project_id: int) -> Release | None:
    """The newest release of a project."""
    statement = select(Release).where(Release.project_id == project_id)
    return session.scalars(statement.order_by(Release.number.desc()).limit(1)).one_or_none()


def release_by_number(session: Session, project_id: int, number: int) -> Release:
    """One release of a project; raises NotFoundError."""
    found = session.scalars(
        select(Release).where(Release.project_id == project_id, Release.number == number)
    ).one_or_none()
    if found is None:
        raise NotFoundError("release", number)
    return found
