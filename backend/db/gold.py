"""The one door for gold: whoever gives, replaces or withdraws it comes through here.

The counts of labels and of documents follow in the same transaction. The project's row must be held
(`locked_project`), and who changes gold takes the revision: nothing is counted up here.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.db.bulk import insert_rows, is_one_of
from backend.db.differences import forget_differences
from backend.db.document_counts import documents_counted
from backend.db.label_counts import add_counts, add_labels
from backend.db.mentions import forget_mentions
from backend.db.tables import Document, Gold, GoldSource, Project, now
from backend.db.tables_of_autolabel import Promise  # noqa: F401  # gold refers to both tables
from backend.db.tables_of_labels import Adjudication, Counted  # noqa: F401


class NewGold(NamedTuple):
    """The gold that a document is to have, in place of what it has now."""

    document_id: int
    entities: list[dict[str, Any]]
    source: GoldSource
    revision: int
    updated_at: datetime
    account_id: int | None = None
    annotation_state_id: int | None = None
    adjudication_id: int | None = None
    promise_id: int | None = None
    version_name: str | None = None


_COLUMNS = ("project_id", *NewGold._fields)
_FIRST_COLUMNS = _COLUMNS[: _COLUMNS.index("updated_at") + 1]


def put_gold(session: Session, project: Project, rows: Sequence[NewGold]) -> None:
    """Give documents their gold, a document once; what they had is replaced."""
    if not rows:
        return
    ids = [row.document_id for row in rows]
    assert len(set(ids)) == len(ids), "a document has one gold"
    project_id = project.id
    with documents_counted(session, project_id, is_one_of(session, Document.id, ids)):
        before = _take_out(session, ids)
        insert_rows(session, Gold, _COLUMNS, [(project_id, *row) for row in rows])
    add_counts(session, project_id, Counted.GOLD, 0, before, [row.entities for row in rows])


class FirstGold(NamedTuple):
    """The gold of a document that is new: its entities as JSON, and their labels."""

    document_id: int
    entities: str
    labels: Sequence[str]


def put_first_gold(
    session: Session, project: Project, source: GoldSource, rows: Sequence[FirstGold]
) -> None:
    """Give documents that were inserted in this transaction their gold: none had any before."""
    if not rows:
        return
    project_id, revision, updated_at = project.id, project.gold_revision, now()
    session.flush()
    insert_rows(
        session,
        Gold,
        _FIRST_COLUMNS,
        [
            (
                project_id,
                row.document_id,
                orjson.Fragment(row.entities),
                source,
                revision,
                updated_at,
            )
            for row in rows
        ],
    )
    add_labels(session, project_id, Counted.GOLD, 0, [row.labels for row in rows])


def remove_gold(session: Session, project_id: int, document_ids: Sequence[int]) -> int:
    """Withdraw the gold of documents, where they have any; how many had."""
    with documents_counted(session, project_id, is_one_of(session, Document.id, document_ids)):
        before = _take_out(session, document_ids)
    add_counts(session, project_id, Counted.GOLD, 0, before, ())
    forget_mentions(session, document_ids)
    forget_differences(session, project_id, document_ids)
    return len(before)


def gold_of(session: Session, document_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    """The entities of these documents' gold; an empty list where a document has none."""
    rows = session.execute(
        select(Gold.document_id, Gold.entities).where(
            is_one_of(session, Gold.document_id, document_ids)
        )
    )
    return {number: [] for number in document_ids} | {row[0]: row[1] for row in rows}


def _take_out(session: Session, document_ids: Sequence[int]) -> list[list[dict[str, Any]]]:
    """Delete the gold of documents and return what it was, one list a document that had some."""
    session.flush()  # what is to be replaced, and what the new gold refers to
    its = is_one_of(session, Gold.document_id, document_ids)
    before = list(session.scalars(select(Gold.entities).where(its)))
    if before:
        session.connection().execute(delete(Gold).where(its))
    _forget(session, document_ids)
    return before


def _forget(session: Session, document_ids: Sequence[int]) -> None:
    """Let objects that the session has loaded be read again."""
    ids = set(document_ids)
    for state in session.identity_map.all_states():
        instance, (number, *_) = state.obj(), state.identity or (None,)
        if isinstance(instance, Gold) and number in ids:
            session.expire(instance)
        elif isinstance(instance, Document) and number in ids:
            session.expire(instance, ["gold"])
