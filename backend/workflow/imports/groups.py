"""What an import knows of duplicate groups: their members, their roles, and who is canonical.

The plain copies are set aside as they come in; what is not plain is left to dedupe.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from sqlalchemy import Text, bindparam, cast, select, update
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of, looked_up
from backend.db.groups import near_groups, unite_parts
from backend.db.tables import Arm, Document, Gold, GoldSource, Part
from backend.workflow.duplicates.canonical import rank, signature
from backend.workflow.imports.ready_documents import ReadyDocument
from backend.workflow.select import part_of

GoldAs = Literal["train", "random"]
Role = tuple[str | None, str | None]  # arm, part


class Member(NamedTuple):
    """A document of a group that is there already, not set aside; `entities` is its gold as JSON.

    Arm and part are those of its whole group.
    """

    key: str
    id: int
    arm: str | None
    part: str | None
    deduped: bool
    text: str
    source: str | None
    entities: str | None


Groups = dict[str, list[Member]]


_MEMBERS = (
    select(
        Document.group_key,
        Document.id,
        Document.arm,
        Document.part,
        Document.deduped,
        Document.text,
        Gold.source,
        cast(Gold.entities, Text),
    )
    .outerjoin(Gold, Gold.document_id == Document.id)
    .where(Document.project_id == bindparam("project"))
    .where(Document.canonical_id.is_(None))
)


def groups_of(session: Session, project_id: int, keys: set[str]) -> Groups:
    """The documents that are there already of the groups with these keys, but for copies."""
    groups: Groups = {}
    rows = looked_up(session, _MEMBERS, Document.group_key, keys, project=project_id)
    for row in rows:
        groups.setdefault(row[0], []).append(Member(*row))
    return groups


def roles_of(
    session: Session,
    project_id: int,
    groups: Groups,
    wanting_gold: Iterable[ReadyDocument],
    gold: GoldAs | None,
) -> dict[str, Role]:
    """Arm and part of the duplicate groups; groups that get theirs now are updated."""
    roles: dict[str, Role] = {
        key: (member.arm, member.part)
        for key, members in groups.items()
        for member in members
        if member.part is not None
    }
    without = groups.keys() - roles.keys()
    near = near_groups(session, project_id, without) if without else {}
    near_roles: dict[int, Role] = {}
    found: dict[Role, list[str]] = {}
    for key in {document.group_key for document in wanting_gold} - roles.keys():
        random = gold == "random"
        role = (Arm.RANDOM, part_of(key)) if random else (Arm.RANKED, Part.TRAIN)
        roles[key] = near_roles.setdefault(near[key], role) if key in near else role
        if key in groups:
            found.setdefault(roles[key], []).append(key)
    for (arm, part), its in found.items():
        session.execute(
            update(Document)
            .where(Document.project_id == project_id)
            .where(is_one_of(session, Document.group_key, its))
            .values(arm=arm, part=part)
        )
    unite_parts(session, project_id, near_roles)
    return roles


class New(NamedTuple):
    """A document that is about to be inserted; `entities` is the gold that it gets, as JSON."""

    id: int
    key: str
    text: str
    entities: str | None


class Place(NamedTuple):
    """The place of a new document in its group; dedupe has a look at those that are not sure."""

    canonical_id: int | None
    sure: bool


FIRST, UNSURE = Place(None, sure=True), Place(None, sure=False)


def places_of(groups: Groups, documents: Iterable[New], casefold: bool = False) -> Iterator[Place]:
    """The places of new documents, in their order.

    One is surely a copy when the canonical document stays canonical, and when the gold of the
    two says the same where both have some.
    """
    canonical: dict[str, New | Member | None] = {
        key: _canonical(members) for key, members in groups.items()
    }
    for new in documents:
        old = canonical.setdefault(new.key, new)
        if old is new:
            yield FIRST
        elif old is not None and _is_plain_copy(new, old, casefold):
            yield Place(old.id, sure=True)
        else:
            yield UNSURE


def _canonical(members: Sequence[Member]) -> Member | None:
    """The canonical document of a group, None while dedupe has to look at it."""
    return members[0] if len(members) == 1 and members[0].deduped else None


def _is_plain_copy(new: New, old: New | Member, casefold: bool) -> bool:
    if new.entities is None:
        return True
    source = old.source if isinstance(old, Member) else GoldSource.IMPORTED
    if old.entities is None or rank(source) > rank(GoldSource.IMPORTED):
        return False
    if (new.text, new.entities) == (old.text, old.entities):
        return True
    ours = signature(new.text, new.entities, casefold)
    return ours == signature(old.text, old.entities, casefold)
