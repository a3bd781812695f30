"""Questions about documents: which are in the pool, open in Label Studio, not yet predicted."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased, load_only

from backend.db.tables import Document, Gold, Part, Prediction, TaskState

T = TypeVar("T")

IDS_A_QUERY = 500  # SQLite takes a limited number of bound values


def open_count(session: Session, project_id: int) -> int:
    """How many tasks of a project nobody has submitted."""
    statement = select(func.count()).select_from(Document).where(_open(project_id))
    return session.execute(statement).scalar_one()


def open_documents(session: Session, project_id: int) -> list[Document]:
    """The documents whose task is open, in the queue's order; those without a place last."""
    statement = (
        select(Document)
        .where(_open(project_id))
        .order_by(func.coalesce(Document.queue_number, 2**31 - 1), Document.id)
    )
    return list(session.scalars(statement))


def next_open(session: Session, project_id: int, limit: int, *, after: int = 0) -> list[Document]:
    """The first open documents of the queue, in its order; of those after `after` where given."""
    place = func.coalesce(Document.queue_number, 2**31 - 1)
    statement = select(Document).where(_open(project_id))
    if after:
        its = select(place).where(Document.id == after).correlate(None).scalar_subquery()
        statement = statement.where(tuple_(place, Document.id) > tuple_(its, after))
    return list(session.scalars(statement.order_by(place, Document.id).limit(limit)))


def open_without_prediction(session: Session, project_id: int, version_id: int) -> list[Document]:
    """Open documents of which a version has said nothing, in order of their number."""
    statement = select(Document).where(_open(project_id), ~_predicted(version_id))
    return list(session.scalars(statement.order_by(Document.id)))


def open_unplaced(session: Session, project_id: int, version_id: int) -> list[Document]:
    """Open documents new to the queue: no place in it, or no prediction of the champion."""
    unplaced = or_(Document.queue_number.is_(None), ~_predicted(version_id))
    statement = select(Document).where(_open(project_id), unplaced).order_by(Document.id)
    return list(session.scalars(statement))


def reserved_documents(session: Session, project_id: int) -> list[Document]:
    """Documents that have a place in the queue and no task yet, in the queue's order."""
    statement = (
        select(Document)
        .where(
            Document.project_id == project_id,
            Document.queue_number.is_not(None),
            Document.task_state.is_(None),
        )
        .order_by(Document.queue_number)
    )
    return list(session.scalars(statement))


def pool_without_prediction(
    session: Session, project_id: int, version_id: int, limit: int
) -> list[Document]:
    """Up to `limit` documents of the pool that a version has not seen, by the hash of their text.

    The order is arbitrary and the same each time, so what is looked at is not biased.
    """
    statement = pool(project_id).where(~_predicted(version_id)).order_by(Document.group_key.desc())
    return list(session.scalars(statement.limit(limit)))


def ranked_pool(
    session: Session, project_id: int, version_id: int, *, below: str | None, limit: int
) -> list[Document]:
    """The documents of the pool that a version is least sure of, least sure first.

    `below` is the border of the random arm, which is left out (see `pool`).
    """
    statement = (
        pool(project_id, border=below, at_random=False)
        .join(
            Prediction,
            and_(Prediction.document_id == Document.id, Prediction.version_id == version_id),
        )
        .order_by(Prediction.confidence, Document.group_key)
        .limit(limit)
    )
    return list(session.scalars(statement))


def predicted_in_pool(session: Session, project_id: int, version_id: int) -> int:
    """How many documents of the pool a version has seen."""
    inner = pool(project_id).where(_predicted(version_id)).options(load_only(Document.id))
    return session.execute(select(func.count()).select_from(inner.subquery())).scalar_one()


def with_task_and_prediction(session: Session, project_id: int, version_id: int) -> int:
    """How many documents with a task a version has predicted."""
    statement = (
        select(func.count())
        .select_from(Document)
        .where(
            Document.project_id == project_id,
            Document.task_id.is_not(None),
            _predicted(version_id),
        )
    )
    return session.execute(statement).scalar_one()


def pool_by_hash(
    session: Session,
    project_id: int,
    *,
    border: str | None = None,
    at_random: bool = True,
    limit: int,
) -> list[Document]:
    """Documents of the pool by the hash of their text: of one arm, or all of them."""
    statement = pool(project_id, border=border, at_random=at_random).order_by(Document.group_key)
    return list(session.scalars(statement.limit(limit)))


def near_pool(session: Session, project_id: int, *, limit: int) -> list[Document]:
    """Documents of the pool that have near copies, by the hash of their text."""
    statement = pool(project_id).where(Document.near_id.is_not(None))
    return list(session.scalars(statement.order_by(Document.group_key).limit(limit)))


def pool(project_id: int, *, border: str | None = None, at_random: bool = True) -> Select[Document]:
    """Canonical documents without gold that were never in the queue: what may be selected.

    With `border` only those of one arm: at random the group keys that sort before it, else the
    others. The oldest of near copies speaks for all of them: a document is drawn at random only
    when it is on the same side, and what is nearly in a held-out part is not ranked.
    """
    conditions: list[ColumnElement[bool]] = [
        Document.project_id == project_id,
        Document.deduped.is_(True),
        Document.canonical_id.is_(None),
        Document.task_state.is_(None),
        Document.queue_number.is_(None),
        ~exists().where(Gold.document_id == Document.id),
    ]
    if border is not None:
        oldest = aliased(Document)
        spoken = select(oldest.group_key).where(oldest.id == Document.near_id).scalar_subquery()
        lone = Document.near_id.is_(None)
        if at_random:
            conditions += [Document.group_key < border, or_(lone, spoken < border)]
        else:
            to_train = func.coalesce(Document.part, Part.TRAIN) == Part.TRAIN
            conditions += [
                Document.group_key >= border,
                or_(lone, and_(spoken >= border, to_train)),
            ]
    return select(Document).where(*conditions)


def is_waiting(session: Session, project_id: int) -> bool:
    """Whether a document waits in the pool, or for the task that was to be made of it."""
    reserved = exists().where(
        Document.project_id == project_id,
        Document.queue_number.is_not(None),
        Document.task_state.is_(None),
    )
    inner = pool(project_id).options(load_only(Document.id)).limit(1)
    return bool(session.scalars(inner).first()) or bool(session.scalar(select(reserved)))


def confidences(session: Session, version_id: int, document_ids: Sequence[int]) -> dict[int, float]:
    """What a version thought of its own predictions, by document."""
    found: dict[int, float] = {}
    for ids in chunks(document_ids):
        statement = select(Prediction.document_id, Prediction.confidence).where(
            Prediction.version_id == version_id, Prediction.document_id.in_(ids)
        )
        found.update((row[0], row[1]) for row in session.execute(statement))
    return found


def predictions(
    session: Session, version_id: int, document_ids: Sequence[int]
) -> dict[int, Prediction]:
    """A version's predictions, by document."""
    found: dict[int, Prediction] = {}
    for ids in chunks(document_ids):
        statement = select(Prediction).where(
            Prediction.version_id == version_id, Prediction.document_id.in_(ids)
        )
        found.update((row.document_id, row) for row in session.scalars(statement))
    return found


def documents(session: Session, document_ids: Sequence[int]) -> dict[int, Document]:
    """Documents by their number."""
    found: dict[int, Document] = {}
    for ids in chunks(document_ids):
        rows = session.scalars(select(Document).where(Document.id.in_(ids)))
        found.update((row.id, row) for row in rows)
    return found


def held_parts(session: Session, project_id: int, group_keys: Iterable[str]) -> dict[str, str]:
    """The part that each of these duplicate groups has already, where it has one."""
    found: dict[str, str] = {}
    for keys in chunks(list(group_keys)):
        statement = select(Document.group_key, Document.part).where(
            Document.project_id == project_id,
            Document.group_key.in_(keys),
            Document.part.is_not(None),
        )
        found.update((row[0], row[1]) for row in session.execute(statement) if row[1])
    return found


def groups(session: Session, project_id: int, group_keys: Iterable[str]) -> dict[int, str]:
    """Every document of these duplicate groups, copies included, with its group."""
    found: dict[int, str] = {}
    for keys in chunks(list(group_keys)):
        statement = select(Document.id, Document.group_key).where(
            Document.project_id == project_id, Document.group_key.in_(keys)
        )
        found.update((row[0], row[1]) for row in session.execute(statement))
    return found


def chunks(items: Sequence[T], size: int = IDS_A_QUERY) -> Iterable[Sequence[T]]:
    """Slices of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _open(project_id: int) -> ColumnElement[bool]:
    return and_(Document.project_id == project_id, Document.task_state == TaskState.OPEN)


def _predicted(version_id: int) -> ColumnElement[bool]:
    return exists().where(
        Prediction.document_id == Document.id, Prediction.version_id == version_id
    )
