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

Entities = list[dict[str, Any]]


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
        self._labels, self._filters, self._roles = labels, filters, roles
        self._pairs = {
            split: SortedPairs(folder / gold_file(split), folder / provenance_file(split))
            for split in SPLITS
        }
        self._splits = {split: SplitCounts() for split in SPLITS}
        self._origins = OriginCounts()
        self._takes_all = filters.takes_all
        self._size = 0  # bytes in memory

    def add(self, page: Sequence[GoldRow], provenance: PageProvenance) -> None:
        plain = self._labels.plain
        for row in page:
            records = orjson.loads(row.entities)
            entities = _as_they_are(row.text, records, plain)
            if entities is None:
                entities = self._named(row, spans(row.external_id, row.text, records))
            origin = provenance.origin(row, records)
            if self._takes_all or self._filters.take(origin.vouching, origin.agreement):
                self._take(row, entities, origin, provenance)
            if self._size > RUN:
                for pairs in self._pairs.values():
                    pairs.spill()
                self._size = 0

    def finish(self) -> Content:
        files: dict[str, FileFacts] = {}
        for split, pairs in self._pairs.items():
            files[gold_file(split)], files[provenance_file(split)] = pairs.finish()
            self._splits[split].sum_up()
        return Content(files, self._splits, self._origins)

    def _take(
        self, row: GoldRow, entities: Entities, origin: Origin, provenance: PageProvenance
    ) -> None:
        name = row.external_id
        gold: dict[str, Any] = {"id": name, "text": row.text, "entities": entities}
        silent = self._labels.not_annotated(
            row.not_annotated if origin.original is None else provenance.not_annotated(row),
            row.revision,
            origin.original or origin.source,
            row.version_name,
        )
        if silent:
            gold["not_annotated"] = silent
            for label in silent:
                self._origins.not_annotated[label] += 1
        if row.meta != "{}":
            gold["meta"] = orjson.Fragment(_canonical(row.meta))
        shared = self._origins.add(origin, len(entities))
        beside = b'{"id":%b,%b' % (orjson.dumps(name), shared)
        if row.canonical_id or row.near_id or row.adjudication_id:
            beside += self._own(provenance.own(row))
        split = self._roles.get(row.group_key) or row.part or "train"
        line = orjson.dumps(gold)
        self._pairs[split].add(line, with_crc(line, beside))
        self._size += len(line) + len(beside)
        self._splits[split].add(tuple([entity["label"] for entity in entities]))

    def _own(self, told: dict[str, Any]) -> bytes:
        self._origins.copies += "copy_of" in told
        self._origins.near += "near" in told
        return b"," + orjson.dumps(told)[1:-1] if told else b""

    def _named(self, row: GoldRow, stored: Sequence[Span]) -> Entities:
        """Entities under their newest names; what has become the same is there once."""
        found: dict[Span, None] = {}
        for start, end, label in stored:
            name = self._labels.name_of(label)
            if name is None:
                self._origins.left_out[label] += 1
            else:
                found[start, end, name] = None
        return [_entity(row.text, *span) for span in sorted(found)]


def _as_they_are(text: str, records: Entities, plain: frozenset[str]) -> Entities | None:
    """Entities that are in order, fit their text and need no other name; else None.

    Nearly all are: this does at once what `spans` and `_named` do step by step.
    """
    found, last, length = [], 0, len(text)
    for record in records:
        if len(record) != 3:
            return None
        start, end, label = record.get("start"), record.get("end"), record.get("label")
        if type(start) is not int or type(end) is not int or label not in plain:
            return None
        if not last <= start < end <= length:
            return None
        found.append({"start": start, "end": end, "label": label, "text": text[start:end]})
        last = end
    return found


def _entity(text: str, start: int, end: int, label: str) -> dict[str, Any]:
    return {"start": start, "end": end, "label": label, "text": text[start:end]}


def with_crc(line: bytes, beside: bytes) -> bytes:
    """An open line of provenance, closed with the checksum of both lines."""
    return b'%b,"crc":"%08x"}' % (beside, zlib.crc32(beside, zlib.crc32(line)))


@lru_cache(256)
def _canonical(meta: str) -> bytes:
    """A document's own data with its keys in order; many documents have the same."""
    return orjson.dumps(orjson.loads(meta), option=orjson.OPT_SORT_KEYS)
