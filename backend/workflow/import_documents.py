"""Stage 1: documents from files, each text kept exactly, every refused line told.

Reading and checking happen outside any transaction (`chunks`); one transaction holds the writing
of one chunk (`import_lines`), so that annotators' events never wait long for the database.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from backend.db.gold import NewGold, put_gold
from backend.db.tables import Arm, Document, Gold, GoldSource, Part, Project, now
from backend.db.versions import locked_project
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.normal_form import group_key
from backend.workflow.select import part_of
from ml_backend.contract.label_set import LabelSet

CHUNK = 250  # documents a transaction: some 20 ms of SQLite's one write lock

GoldAs = Literal["train", "random"]


@dataclass(frozen=True, slots=True)
class ReadyDocument:
    """A checked document with its id and its duplicate group."""

    record: DocumentRecord
    external_id: str
    group_key: str


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
    """What became of the lines; `entities_unused` had entities that nobody asked to take."""

    added: int = 0
    already_there: int = 0
    with_gold: int = 0
    entities_unused: int = 0
    refused: list[RefusedLine] = field(default_factory=list)

    def add(self, other: "ImportReport") -> None:
        """Sum another chunk's report into this one."""
        self.added += other.added
        self.already_there += other.already_there
        self.with_gold += other.with_gold
        self.entities_unused += other.entities_unused
        self.refused += other.refused


def chunks(
    records: Iterable[DocumentRecord | RefusedLine], labels: LabelSet, size: int = CHUNK
) -> Iterator[Chunk]:
    """Check the lines of one file against a project's labels, name the nameless, cut in chunks.

    A document without an id is named by its text and by how often the file had it before, so
    that the same file read twice gives the same names.
    """
    seen: Counter[bytes] = Counter()
    chunk = Chunk([], [])
    for record in records:
        checked = _check(record, labels, seen)
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
    session: Session, project_id: int, ready: Sequence[ReadyDocument], gold: GoldAs | None
) -> ImportReport:
    """Write one chunk; documents that are there already are left as they are.

    With `gold`, entities become imported gold of documents that have none: "train" sets their
    duplicate group aside for training, "random" says that they were drawn at random and may
    judge models, their part decided by hash. A group that has a role keeps it.
    """
    project = locked_project(session, project_id)
    report = ImportReport()
    known = _known(session, project_id, ready)
    fresh: dict[str, ReadyDocument] = {}
    wanting_gold: list[ReadyDocument] = []
    for document in ready:
        there = known.get(document.external_id)
        earlier = fresh.get(document.external_id)
        text = there.text if there else earlier.record.text if earlier else None
        if text is not None and text != document.record.text:
            reason = f"id {document.external_id!r} is already that of another text"
            report.refused.append(document.record.refuse(reason))
            continue
        if text is None:
            fresh[document.external_id] = document
        else:
            report.already_there += 1
        if document.record.entities is not None and earlier is None:
            if gold is None:
                report.entities_unused += 1
            elif there is None or not there.has_gold:
                wanting_gold.append(document)
    roles = _roles(session, project_id, ready, wanting_gold, gold)
    _insert_documents(session, project_id, fresh.values(), roles)
    report.added = len(fresh)
    if wanting_gold:
        project.gold_revision += 1
        _insert_gold(session, project, wanting_gold)
        report.with_gold = len(wanting_gold)
    return report


@dataclass(frozen=True, slots=True)
class _Known:
    text: str
    has_gold: bool


_Role = tuple[str | None, str | None]  # arm, part


def _check(
    record: DocumentRecord | RefusedLine, labels: LabelSet, seen: Counter[bytes]
) -> ReadyDocument | RefusedLine:
    if isinstance(record, RefusedLine):
        return record
    unknown = sorted({entity.label for entity in record.entities or ()} - set(labels))
    if unknown:
        return record.refuse(f"label not in the project: {', '.join(map(repr, unknown))}")
    name = record.external_id
    if name is None:
        digest = hashlib.sha256(record.text.encode())
        name = f"{digest.hexdigest()[:32]}-{seen[digest.digest()]}"
        seen[digest.digest()] += 1
    return ReadyDocument(record, name, group_key(record.text))


def _known(session: Session, project_id: int, ready: Sequence[ReadyDocument]) -> dict[str, _Known]:
    rows = session.execute(
        select(Document.external_id, Document.text, Gold.source)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .where(
            Document.project_id == project_id,
            Document.external_id.in_([document.external_id for document in ready]),
        )
    )
    # copied gold is the original's: what a file brings for the copy itself stands above it
    none = (None, GoldSource.COPIED)
    return {name: _Known(text, source not in none) for name, text, source in rows}


def _roles(
    session: Session,
    project_id: int,
    ready: Sequence[ReadyDocument],
    wanting_gold: Sequence[ReadyDocument],
    gold: GoldAs | None,
) -> dict[str, _Role]:
    """Arm and part of the duplicate groups; groups that get theirs now are updated."""
    rows = session.execute(
        select(Document.group_key, Document.arm, Document.part)
        .where(
            Document.project_id == project_id,
            Document.group_key.in_({document.group_key for document in ready}),
            Document.part.is_not(None),
        )
        .distinct()
    )
    roles: dict[str, _Role] = {key: (arm, part) for key, arm, part in rows}
    new: dict[str, _Role] = {}
    for document in wanting_gold:
        key = document.group_key
        if key not in roles:
            random = gold == "random"
            new[key] = (Arm.RANDOM, part_of(key)) if random else (Arm.RANKED, Part.TRAIN)
    for role in set(new.values()):
        session.execute(
            update(Document)
            .where(
                Document.project_id == project_id,
                Document.group_key.in_([key for key, its in new.items() if its == role]),
            )
            .values(arm=role[0], part=role[1])
        )
    return roles | new


def _insert_documents(
    session: Session,
    project_id: int,
    documents: Iterable[ReadyDocument],
    roles: dict[str, _Role],
) -> None:
    rows = []
    for document in documents:
        arm, part = roles.get(document.group_key, (None, None))
        rows.append(
            {
                "project_id": project_id,
                "external_id": document.external_id,
                "text": document.record.text,
                "meta": document.record.meta,
                "file": document.record.file,
                "group_key": document.group_key,
                "deduped": False,
                "arm": arm,
                "part": part,
                "created_at": now(),
            }
        )
    if rows:
        session.execute(insert(Document.__table__), rows)  # type: ignore[arg-type]


def _insert_gold(session: Session, project: Project, documents: Sequence[ReadyDocument]) -> None:
    names = [document.external_id for document in documents]
    found = session.execute(
        select(Document.external_id, Document.id).where(
            Document.project_id == project.id, Document.external_id.in_(names)
        )
    )
    ids = {name: document_id for name, document_id in found}
    rows = [
        NewGold(
            document_id=ids[document.external_id],
            entities=[entity.to_dict() for entity in document.record.entities or ()],
            source=GoldSource.IMPORTED,
            revision=project.gold_revision,
            updated_at=now(),
        )
        for document in documents
    ]
    put_gold(session, project, rows)
    # a copy that brings gold may become the canonical one: let dedupe look again
    for file in {document.record.file for document in documents}:
        its = [ids[one.external_id] for one in documents if one.record.file == file]
        values = {"deduped": False, "file": file}
        session.execute(update(Document).where(Document.id.in_(its)).values(values))
