"""Stage 2: find exact copies, keep one document of each group and set the others aside.

Two texts are copies when their normal forms are equal (normal_form.py); no text is ever altered.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, cast, func, select, update
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of, set_numbers
from backend.db.document_counts import documents_counted
from backend.db.gold import remove_gold
from backend.db.tables import Document, Gold, GoldSource, Project
from backend.db.versions import locked_project
from backend.workflow.canonical import has_own_gold, rank, signature

CHUNK = 300  # documents looked at in a transaction, with their groups

# a row: id, group_key, canonical_id, task_id, deduped, text, source and entities of its gold
_Member = Any


@dataclass(frozen=True, slots=True)
class DedupeReport:
    """What one chunk found; `conflicts` are groups whose copies carry different gold."""

    looked_at: int = 0
    copies: int = 0
    conflicts: int = 0

    def __add__(self, other: "DedupeReport") -> "DedupeReport":
        return DedupeReport(
            self.looked_at + other.looked_at,
            self.copies + other.copies,
            self.conflicts + other.conflicts,
        )


def unsorted(session: Session, project_id: int) -> bool:
    """Whether there are documents that were not looked at yet."""
    fresh = select(Document.id).where(
        Document.project_id == project_id, Document.deduped.is_(False)
    )
    return session.scalar(fresh.limit(1)) is not None


def dedupe(session: Session, project_id: int, limit: int = CHUNK) -> DedupeReport:
    """Look at up to `limit` documents that were not looked at yet, and at their whole groups.

    The canonical document of a group is the one with the best gold (a curator's decision, a
    person's, imported, by rule, none), then one that has a task, then the oldest. Copied gold of
    documents whose canonical one changes is withdrawn: autolabel gives it anew. Call again until
    `looked_at` is 0.
    """
    fresh = session.execute(
        select(Document.id, Document.group_key, Document.canonical_id)
        .where(Document.project_id == project_id, Document.deduped.is_(False))
        .order_by(Document.id)
        .limit(limit)
    ).all()
    if not fresh:
        return DedupeReport()
    project = locked_project(session, project_id)  # gold may change
    groups = _groups(session, project_id, {row.group_key for row in fresh})
    # no copies any more: the key of one was made anew
    alone = [row for row in fresh if row.canonical_id is not None and row.group_key not in groups]
    moved: list[tuple[int, int | None]] = [(row.id, None) for row in alone]
    seen = {row.id for row in fresh}
    copies = conflicts = 0
    for members in groups.values():
        canonical = min(members, key=lambda row: (rank(row.source), row.task_id is None, row.id))
        for member in members:
            wanted = None if member is canonical else canonical.id
            if member.canonical_id != wanted:
                moved.append((member.id, wanted))
                copies += wanted is not None
            if not member.deduped:
                seen.add(member.id)
        conflicts += _in_conflict(members)
    looked_at = is_one_of(session, Document.id, seen)
    touched = is_one_of(session, Document.id, seen | {member for member, _ in moved})
    with documents_counted(session, project_id, touched):
        if moved:
            set_numbers(session, Document, "canonical_id", moved)
        session.connection().execute(update(Document).where(looked_at).values(deduped=True))
    if moved:
        copies_changed(project)
        _withdraw_copied(session, project_id, [member for member, _ in moved])
    return DedupeReport(len(seen), copies, conflicts)


def copies_changed(project: Project) -> None:
    """Note that nobody has seen the copies that there are now: their gold may be behind."""
    project.copies_revision = min(0, project.copies_revision or 0) - 1


def _groups(session: Session, project_id: int, keys: set[str]) -> dict[str, list[_Member]]:
    """The groups of these keys that have more than one member.

    Most have one, which the index alone can tell.
    """
    several = (
        select(Document.group_key)
        .where(Document.project_id == project_id, is_one_of(session, Document.group_key, keys))
        .group_by(Document.group_key)
        .having(func.count() > 1)
    )
    rows = session.execute(
        select(
            Document.id,
            Document.group_key,
            Document.canonical_id,
            Document.task_id,
            Document.deduped,
            Document.text,
            Gold.source,
            cast(Gold.entities, Text).label("entities"),
        )
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(
            Document.project_id == project_id,
            is_one_of(session, Document.group_key, session.scalars(several).all()),
        )
    )
    groups: dict[str, list[_Member]] = defaultdict(list)
    for row in rows:
        groups[row.group_key].append(row)
    return groups


def _withdraw_copied(session: Session, project_id: int, members: Sequence[int]) -> None:
    copied = session.scalars(
        select(Gold.document_id).where(
            Gold.source == GoldSource.COPIED, is_one_of(session, Gold.document_id, members)
        )
    ).all()
    remove_gold(session, project_id, copied)


def _in_conflict(members: Sequence[_Member]) -> bool:
    """Whether the gold of a group differs: offsets may, since copies may differ in space."""
    labelled = {(row.text, row.entities) for row in members if has_own_gold(row.source)}
    return len(labelled) > 1 and len({signature(*gold) for gold in labelled}) > 1
