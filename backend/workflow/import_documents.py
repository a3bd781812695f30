"""Stage 1: documents from files, each text kept exactly, every refused line told.

Reading and checking happen outside any transaction (`chunks`); one transaction holds the writing
of one chunk (`import_lines`), so that annotators' events never wait long for the database.
"""

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.db.bulk import insert_rows, is_one_of, new_ids
from backend.db.gold import NewGold, put_gold
from backend.db.groups import near_groups, unite_parts
from backend.db.imported_gold import gold_of_other_files
from backend.db.projects import settings_of
from backend.db.tables import Arm, Document, Gold, GoldSource, Part, Project, now
from backend.db.versions import locked_project
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.normal_form import group_key
from backend.workflow.select import part_of
from ml_backend.contract.label_set import LabelSet

CHUNK = 400  # documents a transaction: some 30 ms of SQLite's one write lock
KEPT_REFUSALS = 100  # in a report; all of them are in the chunks

GoldAs = Literal["train", "random"]


@dataclass(frozen=True, slots=True)
class ReadyDocument:
    """A checked document with its id and its duplicate group.

    `entities` are as gold keeps them; `not_annotated` are the project's labels that the file
    did not look for.
    """

    record: DocumentRecord
    external_id: str
    group_key: str
    entities: list[dict[str, Any]] | None
    not_annotated: list[str] | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of one file that are written together; `lines` counts good and refused."""

    ready: list[ReadyDocument]
    refused: list[RefusedLine]

    @property
    def lines(self) -> int:
        return len(self.ready) + len(self.refused)


@dataclass(slots=True)
class ImportReport:
    """What became of the lines; `entities_unused` had entities that nobody asked to take.

    `refused` are the first of `refused_lines`, and `notes` of what people should know of documents
    that were taken. `read_as` says what the file was found to be, and `to_mend` are the files
    that were written beside it.
    """

    added: int = 0
    already_there: int = 0
    with_gold: int = 0
    entities_unused: int = 0
    refused_lines: int = 0
    refused: list[RefusedLine] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    read_as: str = ""
    to_mend: list[Path] = field(default_factory=list)

    def add(self, other: "ImportReport") -> None:
        """Sum another chunk's report into this one."""
        self.added += other.added
        self.already_there += other.already_there
        self.with_gold += other.with_gold
        self.entities_unused += other.entities_unused
        self.refuse(other.refused)
        self.notes += other.notes[: max(0, KEPT_REFUSALS - len(self.notes))]

    def refuse(self, refused: Sequence[RefusedLine]) -> None:
        """Count refused lines, and keep them while they are few."""
        self.refused_lines += len(refused)
        self.refused += refused[: max(0, KEPT_REFUSALS - len(self.refused))]


def chunks(
    records: Iterable[DocumentRecord | RefusedLine],
    labels: LabelSet,
    size: int = CHUNK,
    *,
    casefold: bool = False,
) -> Iterator[Chunk]:
    """Check the lines of one file against a project's labels, name the nameless, cut in chunks.

    A document without an id is named by its text and by how often the file had it before, so
    that the same file read twice gives the same names.
    """
    check = _Check(labels, casefold)
    chunk = Chunk([], [])
    for record in records:
        checked = check(record)
        if isinstance(checked, ReadyDocument):
            chunk.ready.append(checked)
        else:
            chunk.refused.append(checked)
        if chunk.lines >= size:
            yield chunk
            chunk = Chunk([], [])
    if chunk.lines:
        yield chunk


def import_lines(
    session: Session,
    project_id: int,
    ready: Sequence[ReadyDocument],
    gold: GoldAs | None,
    *,
    casefold: bool = False,
) -> ImportReport:
    """Write one chunk; documents that are there already are left as they are.

    With `gold`, entities become imported gold of documents that have none: "train" sets their
    duplicate group aside for training, "random" says that they were drawn at random and may
    judge models, their part decided by hash. A group that has a role keeps it. All the refused
    lines of a chunk are in its report. A text without an id to which another file has given other
    gold is a document of its own, a copy: the two annotations are a conflict. `casefold` says how
    the chunk's keys were made: they are made anew when the project has been set otherwise since.
    """
    project = locked_project(session, project_id)
    in_force = settings_of(project).casefold
    if in_force != casefold:
        ready = [replace(one, group_key=group_key(one.record.text, in_force)) for one in ready]
    report = ImportReport()
    if gold is not None:
        ready = _told_apart(session, project_id, ready)
    known = _known(session, project_id, ready)
    fresh: dict[str, ReadyDocument] = {}
    wanting_gold: dict[str, ReadyDocument] = {}
    report.notes = [str(one.record.refuse(one.record.note)) for one in ready if one.record.note]
    for document in ready:
        name = document.external_id
        there, earlier = known.get(name), fresh.get(name)
        text = there.text if there else earlier.record.text if earlier else None
        if text is not None and text != document.record.text:
            reason = f"id {name!r} is already that of another text"
            report.refused.append(document.record.refuse(reason))
            continue
        if text is None:
            fresh[name] = document
        else:
            report.already_there += 1
        if document.entities is not None:
            if gold is None:
                report.entities_unused += 1
            elif not (there and there.has_gold):
                wanting_gold.setdefault(name, document)
    groups = _groups(session, project_id, ready)
    roles = _roles(session, project_id, groups, wanting_gold.values(), gold)
    ids = {name: there.id for name, there in known.items()}
    ids |= _insert_documents(session, project_id, fresh, groups, roles, wanting_gold)
    report.added, report.with_gold = len(fresh), len(wanting_gold)
    report.refused_lines = len(report.refused)
    if wanting_gold:
        project.gold_revision += 1
        _give_gold(session, project, wanting_gold, ids, known)
    return report


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    text: str
    has_gold: bool


class _Member(NamedTuple):
    id: int
    arm: str | None
    part: str | None


_Role = tuple[str | None, str | None]  # arm, part
_NO_ROLE: _Role = (None, None)


class _Check:
    """The checks of one file's lines against one project."""

    def __init__(self, labels: LabelSet, casefold: bool):
        self._labels, self._known, self._casefold = tuple(labels), frozenset(labels), casefold
        self._seen: Counter[bytes] = Counter()
        self._lacking: dict[tuple[tuple[str, ...] | None, tuple[str, ...]], list[str]] = {}

    def __call__(self, record: DocumentRecord | RefusedLine) -> ReadyDocument | RefusedLine:
        if isinstance(record, RefusedLine):
            return record
        entities = record.entities
        if entities and not self._known.issuperset([entity.label for entity in entities]):
            unknown = sorted({entity.label for entity in entities} - self._known)
            return record.refuse(f"label not in the project: {', '.join(map(repr, unknown))}")
        return ReadyDocument(
            record,
            record.external_id or self._name(record.text),
            group_key(record.text, self._casefold),
            None if entities is None else [entity.to_dict() for entity in entities],
            self._not_annotated(record),
        )

    def _name(self, text: str) -> str:
        digest = hashlib.sha256(text.encode())
        name = f"{digest.hexdigest()[:32]}-{self._seen[digest.digest()]}"
        self._seen[digest.digest()] += 1
        return name

    def _not_annotated(self, record: DocumentRecord) -> list[str] | None:
        said = record.labels, record.not_annotated
        if said == (None, ()):
            return None
        if said not in self._lacking:
            looked_for = set(self._labels if record.labels is None else record.labels)
            looked_for.difference_update(record.not_annotated)
            self._lacking[said] = [label for label in self._labels if label not in looked_for]
        return self._lacking[said] or None


def _told_apart(
    session: Session, project_id: int, ready: Sequence[ReadyDocument]
) -> Sequence[ReadyDocument]:
    """The documents, those that another file annotated otherwise under names of their own."""
    nameless = {
        one.external_id: one.record.file
        for one in ready
        if one.record.external_id is None and one.entities is not None
    }
    others = gold_of_other_files(session, project_id, nameless) if nameless else {}
    return [
        replace(one, external_id=f"{one.external_id}-{_short_name(one.record.file)}")
        if others.get(one.external_id, one.entities) != one.entities
        else one
        for one in ready
    ]


def _short_name(file: str) -> str:
    return hashlib.sha256(file.encode()).hexdigest()[:8]


def _known(session: Session, project_id: int, ready: Sequence[ReadyDocument]) -> dict[str, _Known]:
    rows = session.execute(
        select(Document.external_id, Document.id, Document.text, Gold.source)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(
            Document.project_id == project_id,
            is_one_of(session, Document.external_id, [one.external_id for one in ready]),
        )
    )
    # what a file brings stands above its original's gold, and above what a rule made gold
    none = (None, GoldSource.COPIED, GoldSource.RULE)
    return {name: _Known(number, text, source not in none) for name, number, text, source in rows}


def _groups(
    session: Session, project_id: int, ready: Sequence[ReadyDocument]
) -> dict[str, list[_Member]]:
    """Documents of the same duplicate groups that are there already."""
    rows = session.execute(
        select(Document.group_key, Document.id, Document.arm, Document.part).where(
            Document.project_id == project_id,
            is_one_of(session, Document.group_key, {document.group_key for document in ready}),
        )
    )
    groups: dict[str, list[_Member]] = {}
    for key, number, arm, part in rows:
        groups.setdefault(key, []).append(_Member(number, arm, part))
    return groups


def _roles(
    session: Session,
    project_id: int,
    groups: Mapping[str, Sequence[_Member]],
    wanting_gold: Iterable[ReadyDocument],
    gold: GoldAs | None,
) -> dict[str, _Role]:
    """Arm and part of the duplicate groups; groups that get theirs now are updated."""
    roles: dict[str, _Role] = {
        key: (member.arm, member.part)
        for key, members in groups.items()
        for member in members
        if member.part is not None
    }
    without = groups.keys() - roles.keys()
    near = near_groups(session, project_id, without) if without else {}
    near_roles: dict[int, _Role] = {}
    found: dict[_Role, list[int]] = {}
    for key in {document.group_key for document in wanting_gold} - roles.keys():
        random = gold == "random"
        role = (Arm.RANDOM, part_of(key)) if random else (Arm.RANKED, Part.TRAIN)
        roles[key] = near_roles.setdefault(near[key], role) if key in near else role
        if key in groups:
            found.setdefault(roles[key], []).extend(member.id for member in groups[key])
    for (arm, part), ids in found.items():
        its = is_one_of(session, Document.id, ids)
        session.execute(update(Document).where(its).values(arm=arm, part=part))
    unite_parts(session, project_id, near_roles)
    return roles


def _insert_documents(
    session: Session,
    project_id: int,
    documents: Mapping[str, ReadyDocument],
    groups: Container[str],
    roles: Mapping[str, _Role],
    with_gold: Container[str],
) -> dict[str, int]:
    """Insert documents with the roles of their groups; their ids by name.

    One that is alone in its group needs no look by dedupe: the next one of the group gets it.
    """
    ids = dict(zip(documents, new_ids(session, Document, len(documents)), strict=True))
    members = Counter([document.group_key for document in documents.values()])
    created_at = now()
    rows = []
    for name, document in documents.items():
        record, key = document.record, document.group_key
        arm, part = roles.get(key, _NO_ROLE)
        alone = members[key] == 1 and key not in groups
        lacking = document.not_annotated if name in with_gold else None
        rows.append(
            (
                ids[name],
                project_id,
                name,
                record.text,
                record.meta,
                record.file,
                key,
                alone,
                lacking,
                arm,
                part,
                created_at,
            )
        )
    insert_rows(session, Document, _COLUMNS, rows)
    return ids


_COLUMNS = (
    "id",
    "project_id",
    "external_id",
    "text",
    "meta",
    "file",
    "group_key",
    "deduped",
    "not_annotated",
    "arm",
    "part",
    "created_at",
)


def _give_gold(
    session: Session,
    project: Project,
    documents: Mapping[str, ReadyDocument],
    ids: Mapping[str, int],
    known: Mapping[str, _Known],
) -> None:
    revision, updated_at = project.gold_revision, now()
    rows = [
        NewGold(
            document_id=ids[name],
            entities=document.entities or [],
            source=GoldSource.IMPORTED,
            revision=revision,
            updated_at=updated_at,
        )
        for name, document in documents.items()
    ]
    put_gold(session, project, rows)
    told: dict[tuple[str, tuple[str, ...] | None], list[int]] = {}
    for name in documents.keys() & known.keys():
        labels = documents[name].not_annotated
        key = documents[name].record.file, tuple(labels) if labels else None
        told.setdefault(key, []).append(ids[name])
    for (file, lacking), its in told.items():
        # a copy that brings gold may become the canonical one: let dedupe look again
        session.execute(
            update(Document)
            .where(is_one_of(session, Document.id, its))
            .values(deduped=False, file=file, not_annotated=lacking and list(lacking))
        )
