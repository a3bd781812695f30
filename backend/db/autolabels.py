"""Questions about the autolabel queue: its runs, promises, items and what audits them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select, union
from sqlalchemy.orm import Session, load_only

from backend.db import pool
from backend.db.bulk import is_one_of
from backend.db.groups import split_key
from backend.db.projects import walked_in
from backend.db.sharing import blind_slice
from backend.db.tables import Document, Gold, GoldSource, Part, Prediction, Version
from backend.db.tables_of_autolabel import (
    Audit,
    Autolabel,
    AutolabelChange,
    AutolabelChunk,
    AutolabelRun,
    AutolabelRunState,
    AutolabelState,
    Promise,
    PromiseState,
)

ACTIVE = (AutolabelRunState.RUNNING, AutolabelRunState.PAUSED)

# states of an item whose document has been with people
SENT = (AutolabelState.SENT, AutolabelState.BY_PERSON, AutolabelState.REJECTED)
ROWS_AT_ONCE = 1000
SURE = 0.8  # probability from which an entity of an item that was sent is shown


@dataclass(frozen=True, slots=True)
class Waiting:
    """A document of the pool with its duplicate groups."""

    id: int
    group_key: str
    near_id: int | None


def active_run(session: Session, project_id: int) -> AutolabelRun | None:
    """The run that holds a project's queue, running or paused."""
    statement = select(AutolabelRun).where(
        AutolabelRun.project_id == project_id, AutolabelRun.state.in_(ACTIVE)
    )
    return session.scalars(statement).one_or_none()


def running(session: Session) -> list[int]:
    """Every run that goes on."""
    statement = select(AutolabelRun.id).where(AutolabelRun.state == AutolabelRunState.RUNNING)
    return list(session.scalars(statement.order_by(AutolabelRun.id)))


def last_run(session: Session, project_id: int) -> AutolabelRun | None:
    """The newest run, whatever became of it."""
    statement = select(AutolabelRun).where(AutolabelRun.project_id == project_id)
    return session.scalars(statement.order_by(AutolabelRun.id.desc()).limit(1)).one_or_none()


def chunks_of(session: Session, run_id: int) -> list[AutolabelChunk]:
    """The chunks of a run that are not stored yet, in order."""
    statement = select(AutolabelChunk).where(AutolabelChunk.run_id == run_id)
    return list(session.scalars(statement.order_by(AutolabelChunk.number)))


def without_item(
    session: Session, project_id: int, version_id: int, *, after: int, limit: int
) -> list[tuple[int, str]]:
    """Numbers and texts of the pool's documents that a version has no item for, in order."""
    statement = _without_item(project_id, version_id).where(Document.id > after)
    statement = statement.order_by(Document.id).limit(limit)
    return [(number, text) for number, text in session.execute(statement)]


def waiting(session: Session, project_id: int, ids: Collection[int]) -> dict[int, Waiting]:
    """Those of the documents that still wait in the pool."""
    rows = session.execute(
        pool.pool(project_id)
        .with_only_columns(Document.id, Document.group_key, Document.near_id)
        .where(is_one_of(session, Document.id, ids))
    )
    return {number: Waiting(number, key, near) for number, key, near in rows}


def count_without_item(session: Session, project_id: int, version_id: int) -> int:
    """How many documents of the pool a version has no item for."""
    inner = _without_item(project_id, version_id).subquery()
    return session.execute(select(func.count()).select_from(inner)).scalar_one()


@dataclass(frozen=True, slots=True)
class Unseen:
    """A document that a version labelled and nobody has looked at."""

    external_id: str
    group_key: str
    text: str
    entities: list[dict[str, Any]]
    version_name: str


def surest_unseen(
    session: Session, project_id: int, version_id: int, least: float
) -> Iterator[Unseen]:
    """What a version labelled at least so surely and is pending, canonical and without gold, the
    surest first, read as it is asked for."""
    statement = (
        select(
            Document.external_id,
            Document.group_key,
            Document.text,
            Autolabel.entities,
            Version.name,
        )
        .join(Document, Document.id == Autolabel.document_id)
        .join(Version, Version.id == Autolabel.version_id)
        .where(
            Autolabel.project_id == project_id,
            Autolabel.state == AutolabelState.PENDING,
            Autolabel.confidence >= least,
            Autolabel.version_id == version_id,
            Document.canonical_id.is_(None),
            ~exists().where(Gold.document_id == Document.id),
        )
        .order_by(Autolabel.confidence.desc(), Autolabel.document_id)
    )
    for row in session.execute(statement.execution_options(yield_per=ROWS_AT_ONCE)):
        yield Unseen(*row)


@dataclass(frozen=True, slots=True)
class CertifyGold:
    """One certify document with people's gold; `group` is shared by its near duplicates."""

    document_id: int
    group: str
    text: str
    entities: list[dict[str, Any]]
    not_annotated: list[str] | None
    source: str
    revision: int


def certify_gold(session: Session, project_id: int) -> list[CertifyGold]:
    """The certify gold that people made or drew at random, the canonical documents of it."""
    rows = session.execute(
        select(
            Document.id,
            Document.group_key,
            Document.near_id,
            Document.text,
            Gold.entities,
            Document.not_annotated,
            Gold.source,
            Gold.revision,
        )
        .join(Gold, Gold.document_id == Document.id)
        .where(
            Document.project_id == project_id,
            Document.canonical_id.is_(None),
            Document.part == Part.CERTIFY,
            Gold.source.in_((GoldSource.PERSON, GoldSource.IMPORTED, GoldSource.DECISION)),
        )
        .order_by(Document.id)
    )
    return [CertifyGold(number, split_key(key, near), *rest) for number, key, near, *rest in rows]


def predicted(session: Session, version_id: int, ids: Collection[int]) -> set[int]:
    """Which of these documents a version has predicted."""
    statement = select(Prediction.document_id).where(
        Prediction.version_id == version_id, is_one_of(session, Prediction.document_id, ids)
    )
    return set(session.scalars(statement))


def items(session: Session, ids: Collection[int]) -> dict[int, Autolabel]:
    """The queue's items of these documents."""
    found = session.scalars(select(Autolabel).where(is_one_of(session, Autolabel.document_id, ids)))
    return {item.document_id: item for item in found}


def listed(
    session: Session, project_id: int, state: str | None, *, after: int = 0, limit: int
) -> list[tuple[Autolabel, Document]]:
    """Items of a project with their documents, by document."""
    statement = (
        select(Autolabel, Document)
        .join(Document, Document.id == Autolabel.document_id)
        .where(Autolabel.document_id > after)
        .order_by(Autolabel.document_id)
        .limit(limit)
    )
    if state is None:
        statement = statement.where(walked_in(Autolabel.project_id, project_id))
    else:  # may be rare
        statement = statement.where(Autolabel.project_id == project_id, Autolabel.state == state)
    return [(item, document) for item, document in session.execute(statement)]


def surest_pending(session: Session, project_id: int, limit: int) -> list[int]:
    """Documents whose item is pending, the most confident first."""
    statement = (
        select(Autolabel.document_id)
        .where(Autolabel.project_id == project_id, Autolabel.state == AutolabelState.PENDING)
        .order_by(Autolabel.confidence.desc(), Autolabel.document_id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def pending_from(
    session: Session, project_id: int, version_id: int, threshold: float, after: int, limit: int
) -> list[Autolabel]:
    """Pending items of a version that are as confident as this, by document."""
    statement = (
        select(Autolabel)
        .where(
            Autolabel.project_id == project_id,
            Autolabel.state == AutolabelState.PENDING,
            Autolabel.confidence >= threshold,
            Autolabel.version_id == version_id,
            Autolabel.document_id > after,
        )
        .order_by(Autolabel.document_id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def state_counts(session: Session, project_id: int) -> dict[str, int]:
    """How many items are in each state."""
    statement = (
        select(Autolabel.state, func.count())
        .where(Autolabel.project_id == project_id)
        .group_by(Autolabel.state)
    )
    found = {state: count for state, count in session.execute(statement)}
    return {state.value: found.get(state.value, 0) for state in AutolabelState}


def history(session: Session, document_id: int) -> list[AutolabelChange]:
    """Every change of a document's item, the oldest first."""
    statement = select(AutolabelChange).where(AutolabelChange.document_id == document_id)
    return list(session.scalars(statement.order_by(AutolabelChange.id)))


def last_promise(
    session: Session, project_id: int, version_id: int | None = None
) -> Promise | None:
    """The newest promise, of a version or of any."""
    statement = select(Promise).where(Promise.project_id == project_id)
    if version_id is not None:
        statement = statement.where(Promise.version_id == version_id)
    return session.scalars(statement.order_by(Promise.id.desc()).limit(1)).one_or_none()


def promises_of(session: Session, version_id: int) -> Sequence[Promise]:
    """Every promise of a version, the oldest first."""
    statement = select(Promise).where(Promise.version_id == version_id).order_by(Promise.id)
    return session.scalars(statement).all()


def told_promises(session: Session, project_id: int) -> Sequence[Promise]:
    """The newest promise, and those that the audit has stopped since it was made; newest first."""
    newest = select(Promise).where(Promise.project_id == project_id)
    newest = newest.order_by(Promise.id.desc()).limit(1)
    since = newest.with_only_columns(Promise.created_at).scalar_subquery()
    told = or_(
        Promise.id == newest.with_only_columns(Promise.id).scalar_subquery(),
        and_(Promise.state == PromiseState.STOPPED, Promise.ended_at >= since),
    )
    statement = select(Promise).where(Promise.project_id == project_id, told)
    return session.scalars(statement.order_by(Promise.id.desc())).all()


def watched_promises(session: Session, project_id: int) -> list[Promise]:
    """Promises whose documents are still gold: in force, or replaced by a newer one."""
    statement = select(Promise).where(
        Promise.project_id == project_id,
        Promise.state.in_((PromiseState.IN_FORCE, PromiseState.REPLACED)),
        Promise.threshold.is_not(None),
    )
    return list(session.scalars(statement.order_by(Promise.id)))


def half_recalled(session: Session, project_id: int) -> list[int]:
    """Stopped promises of which not all is known to have been taken back."""
    statement = select(Promise).where(
        Promise.project_id == project_id, Promise.state == PromiseState.STOPPED
    )
    found = session.scalars(statement.order_by(Promise.id))
    return [promise.id for promise in found if not promise.figures.get("recalled_all")]


def audit_counts(session: Session, project_id: int) -> dict[tuple[int | None, str], int]:
    """How many audited items there are of each promise and outcome."""
    statement = (
        select(Autolabel.promise_id, Autolabel.audit, func.count())
        .where(Autolabel.project_id == project_id, Autolabel.audit.is_not(None))
        .group_by(Autolabel.promise_id, Autolabel.audit)
    )
    return {(promise, str(audit)): count for promise, audit, count in session.execute(statement)}


def audit_outcomes(session: Session, project_id: int, promise_id: int) -> list[bool]:
    """What the audit of a promise has found, in the order in which people said it."""
    statement = (
        select(Autolabel.audit)
        .where(
            Autolabel.project_id == project_id,
            Autolabel.promise_id == promise_id,
            Autolabel.audit.in_((Audit.RIGHT, Audit.WRONG)),
        )
        .order_by(Autolabel.audited_at, Autolabel.document_id)
    )
    return [outcome == Audit.RIGHT for outcome in session.scalars(statement)]


def accepted_by(session: Session, project_id: int, promise_id: int, limit: int) -> list[Autolabel]:
    """Up to `limit` items whose gold rests on a promise."""
    statement = (
        select(Autolabel)
        .where(
            Autolabel.project_id == project_id,
            Autolabel.state == AutolabelState.BY_RULE,
            Autolabel.promise_id == promise_id,
        )
        .order_by(Autolabel.document_id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def audits_without_task(session: Session, project_id: int, limit: int) -> list[Document]:
    """Documents to be labelled blind that have no place in the queue yet, by their hash."""
    statement = (
        select(Document)
        .join(Autolabel, Autolabel.document_id == Document.id)
        .where(
            Autolabel.project_id == project_id,
            Autolabel.audit == Audit.OPEN,
            Autolabel.state == AutolabelState.BY_RULE,
            Document.queue_number.is_(None),
            Document.task_state.is_(None),
        )
        .order_by(Document.group_key)
        .limit(limit)
    )
    return list(session.scalars(statement))


def open_audits(session: Session, project_id: int) -> int:
    """How many documents to be labelled blind have a place in the queue and no outcome."""
    statement = (
        select(func.count())
        .select_from(Autolabel)
        .join(Document, Document.id == Autolabel.document_id)
        .where(
            Autolabel.project_id == project_id,
            Autolabel.audit == Audit.OPEN,
            Document.queue_number.is_not(None),
        )
    )
    return session.execute(statement).scalar_one()


def blind(session: Session, ids: Collection[int]) -> set[int]:
    """Which of these documents people are to label without seeing what a version says."""
    statement = select(Autolabel.document_id).where(
        Autolabel.audit.is_not(None), is_one_of(session, Autolabel.document_id, ids)
    )
    return set(session.scalars(statement))


def shown(session: Session, predictions: Mapping[int, Prediction]) -> dict[int, Prediction]:
    """What people are shown of a version's predictions, by document.

    Nothing where they label blind, nothing that was flagged because people have rejected it before
    (see workflow/evidence/rejections.py), and of what the queue has sent only the sure entities.
    """
    rows = session.execute(
        select(Autolabel.document_id, Autolabel.audit, Autolabel.state).where(
            is_one_of(session, Autolabel.document_id, list(predictions))
        )
    )
    items = {number: (audit, state) for number, audit, state in rows}
    blind = blind_slice(session, predictions)
    return {
        number: said_to_people(said, *items.get(number, (None, None)), blind=number in blind)
        for number, said in predictions.items()
    }


def said_to_people(
    said: Prediction, audit: str | None, state: str | None, *, blind: bool
) -> Prediction:
    """What people are shown of one prediction, given the document's item and the blind slice."""
    kept = [
        one
        for one in said.entities
        if not (audit is not None or blind or one.get("rejected"))
        and (state not in SENT or _is_sure(one))
    ]
    return _with(said, kept) if len(kept) < len(said.entities) else said


def _is_sure(entity: Mapping[str, Any]) -> bool:
    return float(entity.get("probability", 1.0)) >= SURE


def _with(prediction: Prediction, entities: list[dict[str, Any]]) -> Prediction:
    """The same with other entities, unknown to any session."""
    return Prediction(
        document_id=prediction.document_id,
        version_id=prediction.version_id,
        entities=entities,
        confidence=prediction.confidence,
    )


def judging(
    session: Session, project_id: int, documents: Sequence[Waiting], border: str
) -> set[int]:
    """Which of these documents judge models, or may be drawn to, by themselves or a near copy.

    Hashes that sort before `border` are the random arm's.
    """
    keys = {document.group_key for document in documents}
    near = {document.near_id for document in documents if document.near_id is not None}
    judging = select(Document.group_key, Document.near_id).where(
        Document.project_id == project_id,
        or_(
            and_(Document.part.is_not(None), Document.part != Part.TRAIN),
            and_(Document.part.is_(None), Document.group_key < border),
        ),
    )
    # one look for each index: an OR of both reads the whole project
    by_key = judging.where(is_one_of(session, Document.group_key, keys))
    by_near = judging.where(
        Document.near_id.is_not(None), is_one_of(session, Document.near_id, near)
    )
    rows = session.execute(union(by_key, by_near)).all()
    judge = {split_key(key, number) for key, number in rows}
    return {
        document.id
        for document in documents
        if split_key(document.group_key, document.near_id) in judge
    }


def _without_item(project_id: int, version_id: int) -> Select[int, str]:
    has_item = exists().where(
        and_(Autolabel.document_id == Document.id, Autolabel.version_id == version_id)
    )
    documents = pool.pool(project_id).options(load_only(Document.id))
    return documents.with_only_columns(Document.id, Document.text).where(~has_item)
