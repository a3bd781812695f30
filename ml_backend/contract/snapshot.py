"""A frozen snapshot: the gold that a run trains and is judged on, without a database.

    SNAPSHOT/manifest.json     labels and where they come from, what each part holds, and the
                               SHA-256 of each file
    SNAPSHOT/PART.jsonl        `{"id", "group", "text", "entities"}` a line, ordered by id; also
                               `"not_annotated"`, labels that nobody looked for in the text

Parts are `train`, the held-out roles `dev` (choosing) and `gate` (promotion), and `pseudo`,
documents that a tagger labelled, which are learned from with a weight of their own. The
manifest's digest names the content: the same gold gives the same digest on any machine.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_backend.contract.entity import Entity, read_entities
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.messages import read_jsonl, write_jsonl
from ml_backend.contract.model_store import write_atomically


class SnapshotError(Exception):
    """A snapshot that is incomplete or not what its manifest says."""


@dataclass(frozen=True, slots=True)
class GoldDocument:
    """One document's text and gold; `group` is shared by its duplicates.

    `missing` labels were not annotated in it: that they are absent says nothing.
    """

    id: str
    group: str
    text: str
    entities: list[Entity]
    missing: frozenset[str] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        entities = [{"start": e.start, "end": e.end, "label": e.label} for e in self.entities]
        record = {"id": self.id, "group": self.group, "text": self.text, "entities": entities}
        return record | ({"not_annotated": sorted(self.missing)} if self.missing else {})

    def judged(self, predicted: Iterable[Entity]) -> list[Entity]:
        """What of a prediction this gold can judge: of a label that was not annotated, only what
        is in gold, because for the rest nobody looked."""
        if not self.missing:
            return list(predicted)
        gold = {entity.key for entity in self.entities}
        return [one for one in predicted if one.label not in self.missing or one.key in gold]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot holds; `counts` is documents a part.

    `mapping` says what labels were called before they were renamed or merged, `left_out` which
    labels had too little gold to be trained, and how many entities each: where the labels come
    from, and no part of what is trained on.
    """

    labels: LabelSet
    counts: dict[str, int]
    files: dict[str, str]  # part → SHA-256 of its file
    mapping: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over labels and files, hexadecimal: the name of the content."""
        content = {"labels": self.labels.labels, "files": self.files}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_snapshot(
    folder: Path,
    parts: Mapping[str, Iterable[GoldDocument]],
    labels: LabelSet,
    *,
    mapping: Mapping[str, str] | None = None,
    left_out: Mapping[str, int] | None = None,
) -> Manifest:
    """Freeze the parts into a folder, the manifest last; parts are read once, one by one."""
    counts, files = {}, {}
    for part, documents in parts.items():
        path = folder / f"{part}.jsonl"
        counts[part] = write_jsonl(path, (document.to_dict() for document in documents))
        files[part] = _sha256(path)
    manifest = Manifest(labels, counts, files, dict(mapping or {}), dict(left_out or {}))
    record = {
        "labels": manifest.labels.labels,
        "counts": manifest.counts,
        "files": manifest.files,
        "digest": manifest.digest,
        "mapping": manifest.mapping,
        "left_out": manifest.left_out,
    }
    content = json.dumps(record, ensure_ascii=False, indent=2).encode()
    write_atomically(folder / "manifest.json", content)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Read and verify a snapshot; raises SnapshotError when a file differs from the manifest."""
    try:
        record = json.loads((folder / "manifest.json").read_text("utf-8"))
        manifest = Manifest(
            LabelSet(tuple(record["labels"])),
            record["counts"],
            record["files"],
            record.get("mapping", {}),
            record.get("left_out", {}),
        )
    except (OSError, ValueError, KeyError) as error:
        raise SnapshotError(f"no readable manifest in {folder}: {error}") from error
    for part, expected in manifest.files.items():
        actual = _sha256(folder / f"{part}.jsonl")
        if actual != expected:
            raise SnapshotError(f"{part}.jsonl is not what the manifest says: {actual}")
    return manifest


def read_part(folder: Path, part: str) -> Iterator[GoldDocument]:
    """The documents of one part, in order."""
    for record in read_jsonl(folder / f"{part}.jsonl"):
        text = record["text"]
        entities = read_entities(record["entities"], text)
        missing = frozenset(record.get("not_annotated", ()))
        yield GoldDocument(record["id"], record["group"], text, entities, missing)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
