"""The gold that a replay goes through: of a file, cut in three by duplicate group, or a snapshot.

The pool is the snapshot's `train` part: what the simulated person has not seen yet. `dev` chooses
weights and calibrates, and is for nothing else; `gate` judges, and is seen by nobody.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from backend.errors import InvalidInputError
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.formats.reading import read_path
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from ml_backend.contract.entity import first_overlap
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument, Manifest, write_snapshot

POOL, DEV, TEST = "train", "dev", "gate"
TEST_SHARE, MOST_TEST = 0.2, 1000  # documents
DEV_SHARE, MOST_DEV = 0.08, 300
LEAST_TEST, LEAST_DEV = 50, 20


def read_gold(paths: Sequence[Path]) -> tuple[list[GoldDocument], list[RefusedLine]]:
    """The annotated documents of files of any format, one of each duplicate group.

    Raises InvalidInputError for a file that cannot be read.
    """
    found: dict[str, GoldDocument] = {}
    refused: list[RefusedLine] = []
    for path in paths:
        for record in read_path(path):
            if isinstance(record, RefusedLine):
                refused.append(record)
            elif record.entities is None:
                refused.append(record.refuse("nobody has annotated it"))
            elif overlap := first_overlap(sorted(record.entities)):
                refused.append(
                    record.refuse(f"{overlap[0].key} and {overlap[1].key} overlap: one can be true")
                )
            else:
                document = _document(record)
                found.setdefault(document.group, document)
    return list(found.values()), refused


def cut(documents: Iterable[GoldDocument]) -> dict[str, list[GoldDocument]]:
    """Pool, dev and test, by the hash of each group: the same for the same texts.

    Raises InvalidInputError where too few documents are left to judge by.
    """
    ordered = sorted(documents, key=lambda one: _digest(one.group))
    test = min(MOST_TEST, int(len(ordered) * TEST_SHARE))
    dev = min(MOST_DEV, int(len(ordered) * DEV_SHARE))
    if test < LEAST_TEST or dev < LEAST_DEV:
        least = int(max(LEAST_TEST / TEST_SHARE, LEAST_DEV / DEV_SHARE)) + 1
        raise InvalidInputError(
            f"a replay needs {least} annotated documents that differ, and these are {len(ordered)}"
        )
    parts = {TEST: ordered[:test], DEV: ordered[test : test + dev], POOL: ordered[test + dev :]}
    return {part: sorted(its, key=lambda one: one.id) for part, its in parts.items()}


def write_gold(folder: Path, parts: dict[str, list[GoldDocument]]) -> Manifest:
    """Freeze the parts; the labels are those that occur in them."""
    labels = {e.label for its in parts.values() for one in its for e in one.entities}
    if not labels:
        raise InvalidInputError("no document holds an entity")
    return write_snapshot(folder, parts, LabelSet(tuple(sorted(labels))))


def check_parts(manifest: Manifest) -> None:
    """Raise InvalidInputError unless a project's snapshot is enough to judge by."""
    counts = manifest.counts
    if counts.get(TEST, 0) < LEAST_TEST or counts.get(DEV, 0) < LEAST_DEV:
        raise InvalidInputError(
            f"a replay needs {LEAST_TEST} documents of gate gold and {LEAST_DEV} of dev gold, and "
            f"the project has {counts.get(TEST, 0)} and {counts.get(DEV, 0)}: they come of "
            "documents that are drawn at random, or of imported gold that is declared so"
        )


def _document(record: DocumentRecord) -> GoldDocument:
    key = group_key(record.text)
    entities = [replace(entity, probability=None) for entity in sorted(record.entities or ())]
    return GoldDocument(key[:16], key, record.text, entities, frozenset(record.not_annotated))


def _digest(group: str) -> str:
    return hashlib.sha256(f"replay {group}".encode()).hexdigest()
