"""Stage 2: find exact copies, keep one document of each group and set the others aside.

Two texts are copies when their normal forms are equal (normal_form.py); no text is ever altered.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend.db.gold import remove_gold
from backend.db.tables import Document, Gold, GoldSource
from backend.db.versions import locked_project
from backend.workflow.normal_form import normal_form

_NO_OWN_GOLD = (None, GoldSource.COPIED)  # copied gold follows the canonical document
_BEST_FIRST = (GoldSource.DECISION, GoldSource.PERSON, GoldSource.IMPORTED, GoldSource.RULE)
_RANK = {source: rank for rank, source in enumerate(_BEST_FIRST)} | dict.fromkeys(_NO_OWN_GOLD, 9)
_documents = Document.__table__
_SET_CANONICAL = (
    update(Document.__table__)  # type: ignore[arg-type]
    .where(_documents.c.id == bindparam("member"))
    .values(canonical_id=bindparam("canonical"))
)

_Member = Any  # a row: id, group_key, canonical_id, task_id, source of its gold or None


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


def dedupe(session: Session, project_id: int, limit: int = 250) -> DedupeReport:
    """Look at up to `limit` documents that were not looked at yet, with their whole groups.

    The canonical document of a group is the one with the best gold (a curator's decision, a
    person's, imported, by rule, none), then one that has a task, then the oldest. Copied gold of
    documents whose canonical one changes is withdrawn: autolabel gives it anew. Call again until
    `looked_at` is 0.
    """
    fresh = session.execute(
        select(Document.id, Document.group_key)
        .where(Document.project_id == project_id, Document.deduped.is_(False))
        .order_by(Document.id)
        .limit(limit)
    ).all()
    if not fresh:
        return DedupeReport()
    locked_project(session, project_id)  # gold may change
    groups = _groups(session, project_id, sorted({row.group_key for row in fresh}))
    moved: list[dict[str, int | None]] = []
    withdrawn: list[int] = []
    copies = conflicts = 0
    for members in groups.values():
        canonical = min(members, key=lambda row: (_RANK[row.source], row.task_id is None, row.id))
        for member in members:
            wanted = None if member is canonical else canonical.id
            if member.canonical_id != wanted:
                moved.append({"member": member.id, "canonical": wanted})
                if member.source == GoldSource.COPIED:
                    withdrawn.append(member.id)
                copies += wanted is not None
        conflicts += _in_conflict(session, members)
    if moved:
        session.connection().execute(_SET_CANONICAL, moved)
        remove_gold(session, project_id, withdrawn)
    session.execute(
        update(Document).where(Document.id.in_([row.id for row in fresh])).values(deduped=True)
    )
    return DedupeReport(len(fresh), copies, conflicts)


def _groups(session: Session, project_id: int, keys: Sequence[str]) -> dict[str, list[_Member]]:
    rows = session.execute(
        select(
            Document.id, Document.group_key, Document.canonical_id, Document.task_id, Gold.source
        )
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(Document.project_id == project_id, Document.group_key.in_(keys))
    ).all()
    groups: dict[str, list[_Member]] = defaultdict(list)
    for row in rows:
        groups[row.group_key].append(row)
    return groups


def _in_conflict(session: Session, members: Sequence[_Member]) -> bool:
    """Whether the gold of a group differs: offsets may, since copies may differ in space."""
    labelled = [member.id for member in members if member.source not in _NO_OWN_GOLD]
    if len(labelled) < 2:
        return False
    rows = session.execute(
        select(Document.text, Gold.entities).join(Gold).where(Document.id.in_(labelled))
    )
    return len({_signature(text, entities) for text, entities in rows}) > 1


def _signature(text: str, entities: Sequence[dict[str, Any]]) -> tuple[tuple[int, int, str], ...]:
    """Gold in the offsets of the normal form."""
    return tuple(
        (len(normal_form(text[: e["start"]])), len(normal_form(text[: e["end"]])), e["label"])
        for e in sorted(entities, key=lambda e: (e["start"], e["end"], e["label"]))
    )
