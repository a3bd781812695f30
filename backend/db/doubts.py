"""Questions about gold in doubt: runs that look for it, the queue, and what people decided."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, select
from sqlalchemy.orm import Session, aliased

from backend.db.bulk import is_one_of
from backend.db.tables import Document, Gold
from backend.db.tables_of_doubts import (
    ACTIVE_DOUBT_RUNS,
    Doubt,
    DoubtDecision,
    DoubtRun,
)
from backend.db.tables_of_errors import ErrorDecision
from backend.db.tables_of_review import Verdict

NOBODY = ""  # the verdict of a doubt that nobody has decided about


@dataclass(frozen=True, slots=True)
class WantedDoubts:
    """Which doubts are looked at; empty is all.

    By `documents` only the most doubtful one of each document, whose score is the document's: a
    text is as bad as its worst token (Wang and Mueller 2022).
    """

    kind: str = ""
    label: str = ""
    documents: bool = False


def active_doubt_run(session: Session, project_id: int) -> DoubtRun | None:
    """The run that is under way, if any."""
    its = select(DoubtRun).where(
        DoubtRun.project_id == project_id, DoubtRun.state.in_(ACTIVE_DOUBT_RUNS)
    )
    return session.scalars(its).one_or_none()


def active_doubt_runs(session: Session) -> list[int]:
    """The numbers of all runs that are under way."""
    its = select(DoubtRun.id).where(DoubtRun.state.in_(ACTIVE_DOUBT_RUNS))
    return list(session.scalars(its.order_by(DoubtRun.id)))


def newest_doubt_runs(session: Session, project_id: int, limit: int) -> Sequence[DoubtRun]:
    """The newest runs, whatever became of them."""
    its = select(DoubtRun).where(DoubtRun.project_id == project_id)
    return session.scalars(its.order_by(DoubtRun.id.desc()).limit(limit)).all()


def open_doubts(
    session: Session, project_id: int, wanted: WantedDoubts, after: int, limit: int
) -> list[tuple[Doubt, Document]]:
    """Doubts whose gold stands and that nobody has decided about, after a rank of the queue."""
    statement = _open(project_id, wanted).where(Doubt.rank > after).order_by(Doubt.rank, Doubt.id)
    return [(doubt, document) for doubt, document in session.execute(statement.limit(limit))]


def doubt_counts(session: Session, project_id: int) -> dict[tuple[str, str], int]:
    """How many doubts of each kind and label wait for a decision."""
    open_ones = _open(project_id, WantedDoubts())
    counted = open_ones.with_only_columns(Doubt.kind, Doubt.label, func.count())
    rows = session.execute(counted.group_by(Doubt.kind, Doubt.label))
    return {(kind, label): count for kind, label, count in rows}


def doubts_of(session: Session, document_id: int) -> Sequence[Doubt]:
    """A document's doubts that nobody has decided about."""
    its = select(Doubt).where(Doubt.document_id == document_id, Doubt.verdict == NOBODY)
    return session.scalars(its.order_by(Doubt.rank)).all()


def doubt_decision(session: Session, doubt: Doubt) -> DoubtDecision | None:
    """What was decided about a doubt and not taken back."""
    its = select(DoubtDecision).where(
        DoubtDecision.document_id == doubt.document_id,
        DoubtDecision.doubt_id == doubt.id,
        DoubtDecision.withdrawn_at.is_(None),
    )
    return session.scalars(its.order_by(DoubtDecision.id.desc()).limit(1)).one_or_none()


def upheld_places(
    session: Session, document_ids: Collection[int]
) -> dict[int, list[DoubtDecision]]:
    """The decisions by which a place of these documents is not asked about again."""
    found: dict[int, list[DoubtDecision]] = {}
    statement = select(DoubtDecision).where(
        is_one_of(session, DoubtDecision.document_id, document_ids),
        DoubtDecision.withdrawn_at.is_(None),
        DoubtDecision.verdict != Verdict.MODEL,
    )
    for decision in session.scalars(statement):
        found.setdefault(decision.document_id, []).append(decision)
    return found


def upheld_gold(session: Session, document_ids: Collection[int]) -> set[tuple[int, int]]:
    """The documents, and revisions of their gold, of which all was upheld against a champion."""
    statement = select(ErrorDecision.document_id, ErrorDecision.gold_revision).where(
        is_one_of(session, ErrorDecision.document_id, document_ids),
        ErrorDecision.verdict == Verdict.GOLD,
        ErrorDecision.withdrawn_at.is_(None),
    )
    return {(number, revision) for number, revision in session.execute(statement)}


def gold_by_name(
    session: Session, project_id: int, names: Collection[str]
) -> dict[str, tuple[Document, Gold]]:
    """Documents that have gold, with it, by their own ids."""
    statement = (
        select(Document, Gold)
        .join(Gold, Gold.document_id == Document.id)
        .where(Document.project_id == project_id, is_one_of(session, Document.external_id, names))
    )
    return {row[0].external_id: (row[0], row[1]) for row in session.execute(statement)}


def similar_gold(
    session: Session, document_ids: Collection[int]
) -> dict[int, tuple[Document, Gold]]:
    """Documents that have gold, with it, by number."""
    statement = (
        select(Document, Gold)
        .join(Gold, Gold.document_id == Document.id)
        .where(is_one_of(session, Document.id, document_ids))
    )
    return {row[0].id: (row[0], row[1]) for row in session.execute(statement)}


def forget_doubts(session: Session, project_id: int) -> None:
    """Make room for those of a new run; what is with people, and as it was sent, stays."""
    stands = (
        select(Gold.document_id)
        .where(Gold.document_id == Doubt.document_id, Gold.revision == Doubt.gold_revision)
        .exists()
    )
    kept = and_(Doubt.verdict == Verdict.SENT, stands)
    its = delete(Doubt).where(Doubt.project_id == project_id, ~kept)
    session.execute(its, execution_options={"synchronize_session": False})


def _open(project_id: int, wanted: WantedDoubts) -> Select[Doubt, Document]:
    its = [Gold.revision == Doubt.gold_revision, *_wanted(Doubt, project_id, wanted)]
    if wanted.documents:
        other = aliased(Doubt)
        worse = exists().where(
            other.document_id == Doubt.document_id,
            other.gold_revision == Doubt.gold_revision,
            other.rank < Doubt.rank,
            *_wanted(other, project_id, wanted),
        )
        its.append(~worse)
    return (
        select(Doubt, Document)
        .join(Document, Document.id == Doubt.document_id)
        .join(Gold, Gold.document_id == Doubt.document_id)
        .where(*its)
    )


def _wanted(of: type[Doubt], project_id: int, wanted: WantedDoubts) -> list[ColumnElement[bool]]:
    its = [of.project_id == project_id, of.verdict == NOBODY]
    its += [of.kind == wanted.kind] if wanted.kind else []
    its += [of.label == wanted.label] if wanted.label else []
    return its
