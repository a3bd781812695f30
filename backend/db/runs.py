"""Questions about training runs and the gold that calls for them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.pool import chunks
from backend.db.tables import (
    ACTIVE_RUNS,
    BY_PEOPLE,
    FINISHED_RUNS,
    Document,
    Gold,
    Part,
    Run,
    RunState,
)

ROWS_AT_ONCE = 1000


class GoldHead(NamedTuple):
    """What decides which of a duplicate group's gold documents goes into a snapshot."""

    document_id: int
    external_id: str
    group_key: str
    canonical: bool
    source: str


class GoldRow(NamedTuple):
    """One document's gold in full."""

    external_id: str
    group_key: str
    text: str
    not_annotated: list[str] | None
    entities: list[dict[str, Any]]
    source: str
    revision: int
    version_name: str | None


def active_run(session: Session, project_id: int) -> Run | None:
    """The run that holds the project, if any."""
    statement = select(Run).where(Run.project_id == project_id, Run.state.in_(ACTIVE_RUNS))
    return session.scalars(statement).one_or_none()


def active_runs(session: Session) -> list[Run]:
    """Every run that is under way."""
    return list(session.scalars(select(Run).where(Run.state.in_(ACTIVE_RUNS)).order_by(Run.id)))


def newest_runs(
    session: Session, project_id: int, *, before: int | None = None, limit: int
) -> Sequence[Run]:
    """A project's runs, the newest first; `before` is the number of the last one seen."""
    statement = select(Run).where(Run.project_id == project_id)
    if before is not None:
        statement = statement.where(Run.id < before)
    return session.scalars(statement.order_by(Run.id.desc()).limit(limit)).all()


def last_run(session: Session, project_id: int) -> Run | None:
    """The newest run, whatever became of it."""
    statement = select(Run).where(Run.project_id == project_id).order_by(Run.id.desc()).limit(1)
    return session.scalars(statement).one_or_none()


def judged_run(session: Session, project_id: int) -> Run | None:
    """The newest run that the gate has judged."""
    statement = select(Run).where(Run.project_id == project_id, Run.state.in_(FINISHED_RUNS))
    return session.scalars(statement.order_by(Run.id.desc()).limit(1)).one_or_none()


def waiting_run(session: Session, project_id: int) -> Run | None:
    """The run that a curator may decide: the newest that the gate has judged, when it waits."""
    run = judged_run(session, project_id)
    return run if run is not None and run.state == RunState.WAITING else None


def last_finished_revision(session: Session, project_id: int) -> int:
    """The gold revision of the snapshot of the last finished run; 0 before the first."""
    run = judged_run(session, project_id)
    return run.gold_revision if run is not None else 0


def changed_by_people(session: Session, project_id: int, since: int) -> int:
    """How many documents have gold that a person made or changed after a revision."""
    statement = (
        select(func.count())
        .select_from(Gold)
        .where(
            Gold.project_id == project_id,
            Gold.revision > since,
            text(BY_PEOPLE),  # as the index has it: imported gold is not looked at
        )
    )
    return session.execute(statement).scalar_one()


def trainable(session: Session, project_id: int) -> Iterator[list[dict[str, Any]]]:
    """The entities of each canonical gold document that no held-out part claims."""
    statement = (
        select(Gold.entities)
        .join(Document, Document.id == Gold.document_id)
        .where(
            Gold.project_id == project_id,
            Document.canonical_id.is_(None),
            or_(Document.part.is_(None), Document.part == Part.TRAIN),
        )
    )
    return iter(session.scalars(statement))


def gold_heads(session: Session, project_id: int) -> Iterator[GoldHead]:
    """All gold of a project without its texts, each duplicate group's together."""
    statement = (
        select(
            Document.id,
            Document.external_id,
            Document.group_key,
            Document.canonical_id.is_(None),
            Gold.source,
        )
        .join(Document, Document.id == Gold.document_id)
        .where(Gold.project_id == project_id)
        .order_by(Document.group_key)
    )
    for row in session.execute(statement.execution_options(yield_per=ROWS_AT_ONCE)):
        yield GoldHead(*row)


def gold_rows(session: Session, document_ids: Sequence[int]) -> Iterator[GoldRow]:
    """The gold of these documents, in the order given, read as it is asked for."""
    for ids in chunks(document_ids, ROWS_AT_ONCE):
        statement = (
            select(
                Document.id,
                Document.external_id,
                Document.group_key,
                Document.text,
                Document.not_annotated,
                Gold.entities,
                Gold.source,
                Gold.revision,
                Gold.version_name,
            )
            .join(Document, Document.id == Gold.document_id)
            .where(is_one_of(session, Document.id, ids))
        )
        found = {row[0]: GoldRow(*row[1:]) for row in session.execute(statement)}
        yield from (found[document_id] for document_id in ids)


def group_parts(session: Session, project_id: int) -> dict[str, set[str]]:
    """The held-out parts named by the documents of each duplicate group, gold or not."""
    found: dict[str, set[str]] = {}
    statement = (
        select(Document.group_key, Document.part)
        .where(Document.project_id == project_id, Document.part.in_(set(Part) - {Part.TRAIN}))
        .distinct()
    )
    for group_key, part in session.execute(statement):
        found.setdefault(group_key, set()).add(str(part))
    return found


def ended_badly(session: Session, project_id: int, limit: int) -> Sequence[Run]:
    """The newest runs that failed or were cancelled."""
    bad = (RunState.FAILED, RunState.CANCELLED)
    statement = select(Run).where(Run.project_id == project_id, Run.state.in_(bad))
    return session.scalars(statement.order_by(Run.id.desc()).limit(limit)).all()
