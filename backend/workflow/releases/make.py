"""Stage 10: the gold of a project as one frozen folder.

SPLIT.jsonl, SPLIT.provenance.jsonl     see content.py
conflicts.jsonl                         groups labelled differently that nobody decided
card.md, card.json                      the data card
manifest.json                           what each file holds; last
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from backend.db import releases
from backend.db.projects import settings_of
from backend.db.tables import Project, now
from backend.workflow.releases.agreement import agreement_between_people
from backend.workflow.releases.card import card_of
from backend.workflow.releases.card_markdown import markdown
from backend.workflow.releases.content import SPLITS, Content, write_content
from backend.workflow.releases.filters import Filters
from backend.workflow.releases.labels import ReleasedLabels, released_labels
from backend.workflow.releases.manifest import (
    MANIFEST,
    VERSION,
    Manifest,
    digest_of,
    sealed,
    write_json,
)
from backend.workflow.releases.open_conflicts import KINDS, open_conflicts
from backend.workflow.releases.sorting import FileFacts, HashedFile

CONFLICTS = "conflicts.jsonl"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants released, and says of it."""

    made_by: str
    filters: Filters = field(default_factory=Filters)
    note: str = ""
    licence: str = ""


def make_release(
    session: Session,
    project: Project,
    folder: Path,
    number: int,
    wish: Wish,
    advance: Callable[[int], None] = lambda documents: None,
) -> Manifest:
    """Write a release into an empty folder; its manifest.

    The session must see one moment of the database (SQLite always does, PostgreSQL from
    REPEATABLE READ on). Raises ReleaseError when gold does not fit its text, InvalidInputError
    for a filter that there is no label for.
    """
    labels = released_labels(session, project, wish.filters.labels)
    content = write_content(session, project.id, folder, labels, wish.filters, advance)
    files = dict(content.files)
    conflicts = HashedFile(folder / CONFLICTS)
    open_ones: Counter[str] = Counter()
    for line in open_conflicts(session, project, open_ones):
        conflicts.write([line])
    files[CONFLICTS] = conflicts.close()
    settings = settings_of(project)
    manifest: Manifest = {
        "goldloop_release": VERSION,
        "project": project.key,
        "number": number,
        "digest": digest_of(labels.names, {name: its.sha256 for name, its in files.items()}),
        "made_at": now().isoformat(timespec="seconds"),
        "made_by": wish.made_by,
        "note": wish.note,
        "licence": wish.licence,
        "gold_revision": project.gold_revision,
        "filters": wish.filters.to_dict(),
        **_labels(labels, content),
        "duplicates": {
            "casefold": settings.casefold,
            "near_threshold": settings.near_threshold,
        },
        "splits": {split: content.splits[split].to_dict() for split in SPLITS},
        "counts": content.origins.to_dict(),
        "gold_documents": releases.count_gold(session, project.id),
        "agreement": agreement_between_people(session, project.id),
        "conflicts": {kind: open_ones[kind] for kind in KINDS},
    }
    card = card_of(manifest)
    files["card.json"] = _facts(write_json(folder / "card.json", card))
    told = markdown(card).encode()
    (folder / "card.md").write_bytes(told)
    files["card.md"] = _facts(told)
    manifest["files"] = {name: files[name].to_dict() for name in sorted(files)}
    (folder / MANIFEST).write_bytes(sealed(manifest))
    return manifest


def _labels(labels: ReleasedLabels, content: Content) -> dict[str, Any]:
    return {
        "labels": list(labels.names),
        "left_out": list(labels.left_out),
        "mapping": labels.mapping,
        "lacking": {
            split: [label for label in labels.names if not content.splits[split].labels.get(label)]
            for split in SPLITS
        },
    }


def _facts(written: bytes) -> FileFacts:
    return FileFacts(hashlib.sha256(written).hexdigest(), len(written), written.count(b"\n"))
