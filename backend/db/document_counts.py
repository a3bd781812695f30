"""How many documents of a project are in which state, kept up by every writer so that nobody scans.

A state follows from a document's row and its gold's source. Whoever changes `canonical_id`,
`task_state` or `deduped`, or adds documents, does so inside `documents_counted` or tells
`count_added`; gold is counted at its own door (gold.py). The project's row must be held.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, delete, func, select, text
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.tables import Document, DocumentCount, Gold, GoldSource, TaskState


@dataclass(frozen=True, slots=True)
class DocumentCounts:
    """The documents of a project, each counted once."""

    pool: int = 0  # no gold, not in Label Studio
    open: int = 0  # an open task in Label Studio
    person: int = 0  # gold that a person gave, or a curator's decision
    imported: int = 0  # gold that came with a file
    rule: int = 0  # gold by the autolabel promise that a curator signed
    skipped: int = 0  # done without gold: skipped, or waiting for agreement
    copies: int = 0  # set aside by dedupe
    unsorted: int = 0  # dedupe has not looked yet
    deleted: int = 0  # its task was deleted in Label Studio: people do not see it again

    @property
    def total(self) -> int:
        without_gold = self.pool + self.open + self.skipped + self.unsorted + self.deleted
        return self.gold + without_gold + self.copies

    @property
    def gold(self) -> int:
        return self.person + self.imported + self.rule


_STATE = case(
    (Document.canonical_id.is_not(None), "copies"),
    (Gold.source.in_((GoldSource.PERSON, GoldSource.DECISION)), "person"),
    (Gold.source == GoldSource.RULE, "rule"),
    (Gold.source.is_not(None), "imported"),
    (Document.task_state == TaskState.OPEN, "open"),
    (Document.task_state == TaskState.DONE, "skipped"),
    (Document.task_state == TaskState.DELETED, "deleted"),
    (Document.deduped.is_(False), "unsorted"),
    else_="pool",
)


def count_documents(session: Session, project_ids: Sequence[int]) -> dict[int, DocumentCounts]:
    """Documents by state for each of the projects, in one short query."""
    rows = session.execute(
        select(DocumentCount.project_id, DocumentCount.state, DocumentCount.documents).where(
            DocumentCount.project_id.in_(project_ids)
        )
    )
    counts: dict[int, dict[str, int]] = {project_id: {} for project_id in project_ids}
    for project_id, state, number in rows:
        counts[project_id][state] = number
    return {project_id: DocumentCounts(**its) for project_id, its in counts.items()}


@contextmanager
def documents_counted(
    session: Session, project_id: int, which: ColumnElement[bool]
) -> Iterator[None]:
    """Count what the block changes of some documents' states; blocks do not contain each other."""
    before = _states(session, which)
    yield
    _add(session, project_id, _states(session, which), before)


def count_added(session: Session, project_id: int, document_ids: Collection[int]) -> None:
    """Count documents that were not there before."""
    _add(session, project_id, _states(session, is_one_of(session, Document.id, document_ids)), {})


def add_states(
    session: Session, project_id: int, more: Mapping[str, int], less: Mapping[str, int] = {}
) -> None:
    """Count documents in their states, and no more in those they had, as their writer knows."""
    _add(session, project_id, more, less)


def state(
    canonical_id: int | None, source: str | None, task_state: str | None, *, deduped: bool
) -> str:
    """The state of one document, as it follows from its row and its gold's source."""
    if canonical_id is not None:
        return "copies"
    if source is not None:
        return _OF_GOLD.get(source, "imported")
    if task_state is not None:
        return _OF_TASK[task_state]
    return "pool" if deduped else "unsorted"


_OF_GOLD: dict[str, str] = {
    GoldSource.PERSON: "person",
    GoldSource.DECISION: "person",
    GoldSource.RULE: "rule",
}
_OF_TASK: dict[str, str] = {
    TaskState.OPEN: "open",
    TaskState.DONE: "skipped",
    TaskState.DELETED: "deleted",
}


def wrongly_counted(session: Session, project_id: int) -> dict[str, tuple[int, int]]:
    """States whose kept number is not what a count of all documents finds: both numbers."""
    kept: dict[str, int] = {
        state: number
        for state, number in session.execute(
            select(DocumentCount.state, DocumentCount.documents).where(
                DocumentCount.project_id == project_id
            )
        )
    }
    counted = _states(session, Document.project_id == project_id)
    both = {state: (kept.get(state, 0), counted.get(state, 0)) for state in kept.keys() | counted}
    return {state: numbers for state, numbers in sorted(both.items()) if numbers[0] != numbers[1]}


def recount_documents(session: Session, project_id: int) -> None:
    """Count every document of a project anew."""
    session.execute(delete(DocumentCount).where(DocumentCount.project_id == project_id))
    _add(session, project_id, _states(session, Document.project_id == project_id), {})


def _states(session: Session, which: ColumnElement[bool]) -> dict[str, int]:
    session.flush()
    rows = session.execute(
        select(_STATE, func.count())
        .select_from(Document)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(which)
        .group_by(_STATE)
    )
    return {state: number for state, number in rows}


def _add(
    session: Session, project_id: int, more: Mapping[str, int], less: Mapping[str, int]
) -> None:
    change = Counter(more)
    change.subtract(less)
    rows = [
        {"project_id": project_id, "state": state, "documents": number}
        for state, number in sorted(change.items())
        if number
    ]
    if not rows:
        return
    session.connection().execute(_ADD, rows)


_ADD = text(
    "INSERT INTO document_counts (project_id, state, documents) "
    "VALUES (:project_id, :state, :documents) ON CONFLICT (project_id, state) "
    "DO UPDATE SET documents = document_counts.documents + excluded.documents"
)
