"""Stage 2: find exact copies, keep one document of each group and set the others aside.

Two texts are copies when their normal forms are equal (normal_form.py); no text is ever altered.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, bindparam, cast, func, select, update
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of, looked_up, set_columns
from backend.db.document_counts import add_states, state
from backend.db.gold import remove_gold
from backend.db.projects import settings_of
from backend.db.tables import Document, Gold, GoldSource, Project
from backend.db.versions import locked_project
from backend.workflow.duplicates.canonical import has_own_gold, rank, signature

CHUNK = 500  # documents looked at in a transaction, with their groups

# a row of _MEMBERS, or of _FRESH where it is alone
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
    person's, imported, by rule, none), then the oldest; without gold, one that has a task goes
    before older ones, since people have it in Label Studio and what is set aside asks nobody.
    Copied gold of documents whose canonical one changes is withdrawn: autolabel gives it anew.
    Call again until `looked_at` is 0.
    """
    project = locked_project(session, project_id)  # gold may change
    fresh = session.execute(_FRESH, {"project": project_id, "limit": limit}).all()
    if not fresh:
        return DedupeReport()
    groups = _groups(session, project_id, {row.group_key for row in fresh})
    documents: dict[int, _Member] = {row.id: row for row in fresh}
    wanted: dict[int, int | None] = dict.fromkeys(documents)  # those that are alone are no copies
    casefold, conflicts = settings_of(project).casefold, 0
    for members in groups.values():
        canonical = min(members, key=lambda row: (rank(row.source), row.task_id is None, row.id))
        for member in members:
            documents[member.id] = member
            wanted[member.id] = None if member is canonical else canonical.id
        conflicts += _in_conflict(members, casefold)
    moved = [one for one, row in documents.items() if row.canonical_id != wanted[one]]
    seen = [one for one, row in documents.items() if not row.deduped]
    _count(session, project_id, [(documents[one], wanted[one]) for one in {*moved, *seen}])
    _set(session, [(one, wanted[one]) for one in moved], set(seen).difference(moved))
    if moved:
        copies_changed(project)
        _withdraw_copied(session, project_id, moved)
    return DedupeReport(len(seen), sum(wanted[one] is not None for one in moved), conflicts)


def copies_changed(project: Project) -> None:
    """Note that nobody has seen the copies that there are now: their gold may be behind."""
    project.copies_revision = min(0, project.copies_revision or 0) - 1


_OF_PROJECT = Document.project_id == bindparam("project")
_FRESH = (
    select(
        Document.id,
        Document.group_key,
        Document.canonical_id,
        Document.task_state,
        Document.deduped,
        Gold.source,
    )
    .outerjoin(Gold, Gold.document_id == Document.id)
    .where(_OF_PROJECT, Document.deduped.is_(False))
    .order_by(Document.id)
    .limit(bindparam("limit"))
)
_SEVERAL = (
    select(Document.group_key)
    .where(_OF_PROJECT)
    .group_by(Document.group_key)
    .having(func.count() > 1)
)
_MEMBERS = (
    select(
        Document.id,
        Document.group_key,
        Document.canonical_id,
        Document.task_id,
        Document.task_state,
        Document.deduped,
        Document.text,
        Gold.source,
        cast(Gold.entities, Text).label("entities"),
    )
    .outerjoin(Gold, Gold.document_id == Document.id)
    .where(_OF_PROJECT)
)


def _groups(session: Session, project_id: int, keys: set[str]) -> dict[str, list[_Member]]:
    """The groups of these keys that have more than one member.

    Most have one, which the index alone can tell.
    """
    several = looked_up(session, _SEVERAL, Document.group_key, keys, project=project_id)
    keys = {key for (key,) in several}
    groups: dict[str, list[_Member]] = defaultdict(list)
    for row in looked_up(session, _MEMBERS, Document.group_key, keys, project=project_id):
        groups[row.group_key].append(row)
    return groups


def _set(session: Session, moved: Sequence[tuple[int, int | None]], seen: Collection[int]) -> None:
    """Give documents their canonical ones; all of them have been looked at."""
    rows = [(number, canonical_id, True) for number, canonical_id in moved]
    set_columns(session, Document, ("canonical_id", "deduped"), rows)
    looked_at = is_one_of(session, Document.id, seen)
    session.connection().execute(update(Document).where(looked_at).values(deduped=True))


def _count(
    session: Session, project_id: int, changes: Sequence[tuple[_Member, int | None]]
) -> None:
    before = Counter(
        [
            state(row.canonical_id, row.source, row.task_state, deduped=row.deduped)
            for row, _ in changes
        ]
    )
    after = Counter(
        [
            state(canonical_id, row.source, row.task_state, deduped=True)
            for row, canonical_id in changes
        ]
    )
    add_states(session, project_id, after, before)


def _withdraw_copied(session: Session, project_id: int, members: Sequence[int]) -> None:
    copied = session.scalars(
        select(Gold.document_id).where(
            Gold.source == GoldSource.COPIED, is_one_of(session, Gold.document_id, members)
        )
    ).all()
    remove_gold(session, project_id, copied)


def _in_conflict(members: Sequence[_Member], casefold: bool) -> bool:
    """Whether the gold of a group differs: offsets may, since copies may differ in space."""
    labelled = {(row.text, row.entities) for row in members if has_own_gold(row.source)}
    return len(labelled) > 1 and len({signature(*gold, casefold) for gold in labelled}) > 1
