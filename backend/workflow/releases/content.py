"""The gold of a release, written split by split; provenance beside it, line for line.

    SPLIT.jsonl             {"id", "text", "entities": [{"start", "end", "label", "text"}],
                             "not_annotated"?, "meta"?}
    SPLIT.provenance.jsonl  {"id", …as provenance.py says…, "crc"}

Both are canonical: fixed keys, no white space, lines in the order of their bytes. `crc` is of the
two lines (the second one without it), so that damage is found by line. Nothing in SPLIT.jsonl
depends on a machine, a database or a time.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy.orm import Session

from backend.db import releases
from backend.db.releases import GoldRow
from backend.db.tables import Part
from backend.workflow.release import Span, spans
from backend.workflow.releases.counts import OriginCounts, SplitCounts
from backend.workflow.releases.filters import Filters
from backend.workflow.releases.labels import ReleasedLabels
from backend.workflow.releases.provenance import Origin, PageProvenance, Provenance
from backend.workflow.releases.roles import roles_of
from backend.workflow.releases.sorting import RUN, FileFacts, SortedPairs

SPLITS = tuple(part.value for part in Part)


@dataclass(frozen=True, slots=True)
class Content:
    """What was written: the files by name, and the counts."""

    files: dict[str, FileFacts]
    splits: dict[str, SplitCounts]
    origins: OriginCounts


def gold_file(split: str) -> str:
    """The name of a split's file."""
    return f"{split}.jsonl"


def provenance_file(split: str) -> str:
    """The name of the file beside it."""
    return f"{split}.provenance.jsonl"


def write_content(
    session: Session,
    project_id: int,
    folder: Path,
    labels: ReleasedLabels,
    filters: Filters,
    advance: Callable[[int], None] = lambda documents: None,
) -> Content:
    """Write the gold that the filters take into a folder, in constant memory.

    The session must see one moment of the database (SQLite always does, PostgreSQL from
    REPEATABLE READ on). Raises ReleaseError at the first document whose gold does not fit its
    text.
    """
    writer = _Writer(folder, labels, filters, roles_of(session, project_id))
    provenance = Provenance(session, project_id)
    for page in releases.gold_pages(session, project_id, since=filters.since, until=filters.until):
        writer.add(page, provenance.of(page))
        advance(len(page))
    return writer.finish()


class _Writer:
    def __init__(
        self, folder: Path, labels: ReleasedLabels, filters: Filters, roles: Mapping[str, str]
    ):
        self._folder, self._labels, self._filters, self._roles = folder, labels, filters, roles
        self._pairs = {split: SortedPairs(folder, split) for split in SPLITS}
        self._splits = {split: SplitCounts() for split in SPLITS}
        self._origins = OriginCounts()
        self._size = 0  # bytes in memory

    def add(self, page: Sequence[GoldRow], provenance: PageProvenance) -> None:
        for row in page:
            stored = spans(row.external_id, row.text, orjson.loads(row.entities))
            origin = provenance.origin(row, stored)
            if self._filters.take(origin.vouching, origin.agreement):
                self._take(row, stored, origin, provenance)
        if self._size > RUN:
            for pairs in self._pairs.values():
                pairs.spill()
            self._size = 0

    def finish(self) -> Content:
        files: dict[str, FileFacts] = {}
        for split, pairs in self._pairs.items():
            names = gold_file(split), provenance_file(split)
            facts = pairs.write(*(self._folder / name for name in names))
            files.update(zip(names, facts, strict=True))
            self._splits[split].sum_up()
        return Content(files, self._splits, self._origins)

    def _take(
        self, row: GoldRow, stored: Sequence[Span], origin: Origin, provenance: PageProvenance
    ) -> None:
        released = self._named(stored)
        gold = _gold(row, released)
        silent = self._labels.not_annotated(
            provenance.not_annotated(row), row.revision, origin.vouching, row.version_name
        )
        if silent:
            gold["not_annotated"] = silent
            for label in silent:
                self._origins.not_annotated[label] += 1
        if row.meta != "{}":
            gold["meta"] = orjson.Fragment(_canonical(row.meta))
        own = b""
        if row.canonical_id or row.near_id or row.adjudication_id:
            told = provenance.own(row)
            own = b"," + orjson.dumps(told)[1:-1] if told else b""
            self._origins.copies += "copy_of" in told
            self._origins.near += "near" in told
        line = orjson.dumps(gold)
        its = b'{"id":%b,%b%b' % (orjson.dumps(row.external_id), _shared(origin), own)
        split = self._roles.get(row.group_key) or row.part or "train"
        self._pairs[split].add(line, with_crc(line, its))
        self._size += len(line) + len(its)
        self._splits[split].add(tuple([label for _, _, label in released]))
        self._origins.add(origin, len(released))

    def _named(self, stored: Sequence[Span]) -> Sequence[Span]:
        """Entities under their newest names; what has become the same is there once."""
        if self._labels.plain.issuperset([label for _, _, label in stored]):
            return stored
        found: dict[Span, None] = {}
        for start, end, label in stored:
            name = self._labels.name_of(label)
            if name is None:
                self._origins.left_out[label] += 1
            else:
                found[start, end, name] = None
        return sorted(found)


def with_crc(line: bytes, beside: bytes) -> bytes:
    """An open line of provenance, closed with the checksum of both lines."""
    return b'%b,"crc":"%08x"}' % (beside, zlib.crc32(beside, zlib.crc32(line)))


def _gold(row: GoldRow, entities: Sequence[Span]) -> dict[str, Any]:
    text = row.text
    return {
        "id": row.external_id,
        "text": text,
        "entities": [
            {"start": start, "end": end, "label": label, "text": text[start:end]}
            for start, end, label in entities
        ],
    }


@lru_cache(256)
def _shared(origin: Origin) -> bytes:
    """An origin's part of a line; many documents have the same."""
    return orjson.dumps(origin.to_dict())[1:-1]


@lru_cache(256)
def _canonical(meta: str) -> bytes:
    """A document's own data with its keys in order; many documents have the same."""
    return orjson.dumps(orjson.loads(meta), option=orjson.OPT_SORT_KEYS)
