"""The frozen snapshot of a project's gold: what a run trains on, and what it is judged on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from backend.db import runs
from backend.db.tables import GoldSource, Part, Project
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument, Manifest, write_snapshot

SNAPSHOT_PARTS = (Part.TRAIN, Part.DEV, Part.GATE)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What was frozen: the gold up to `gold_revision`."""

    manifest: Manifest
    gold_revision: int


def freeze(session: Session, project: Project, folder: Path) -> Frozen:
    """Write the snapshot of a project's gold as this session sees it.

    Held-out groups go to their part and nowhere else; a group of several gold documents (copies)
    is there once, by a person's gold rather than an imported one, by the canonical rather than a
    copy. Labels that the project no longer has are left out. The session must see one moment of
    the database (SQLite always does, PostgreSQL from REPEATABLE READ on).
    """
    labels = LabelSet(tuple(project.labels))
    roles = held_out_roles(runs.group_parts(session, project.id))
    best: dict[str, runs.GoldRow] = {}
    for row in runs.gold_rows(session, project.id):
        known = best.get(row.group_key)
        if known is None or _preference(row) < _preference(known):
            best[row.group_key] = row
    parts: dict[str, list[GoldDocument]] = {part.value: [] for part in SNAPSHOT_PARTS}
    for row in sorted(best.values(), key=lambda row: row.external_id):
        part = roles.get(row.group_key, Part.TRAIN)
        if part in parts:
            parts[part].append(_gold_document(row, labels))
    check_parts(parts)
    return Frozen(write_snapshot(folder, parts, labels), project.gold_revision)


def held_out_roles(parts: Mapping[str, set[str]]) -> dict[str, Part]:
    """The held-out part of each group that has one; should it have two, the most secret wins."""
    order = (Part.TEST, Part.CERTIFY, Part.GATE, Part.DEV)
    roles = {}
    for group_key, named in parts.items():
        part = next((part for part in order if part in named), None)
        if part is not None:
            roles[group_key] = part
    return roles


def check_parts(parts: Mapping[str, list[GoldDocument]]) -> None:
    """Gold is never trained on and tested on: no duplicate group stands twice."""
    seen: dict[str, str] = {}
    for part, documents in parts.items():
        for document in documents:
            before = seen.setdefault(document.group, f"{part} {document.id}")
            assert before == f"{part} {document.id}", (
                f"the duplicates {before} and {part} {document.id} are both in the snapshot"
            )


def _preference(row: runs.GoldRow) -> tuple[bool, bool, str]:
    return (row.source != GoldSource.PERSON, not row.canonical, row.external_id)


def _gold_document(row: runs.GoldRow, labels: LabelSet) -> GoldDocument:
    entities = (
        Entity.from_dict(record, length=len(row.text))
        for record in row.entities
        if record.get("label") in labels
    )
    return GoldDocument(row.external_id, row.group_key, row.text, sorted(entities))
