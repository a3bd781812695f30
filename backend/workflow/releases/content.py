"""The gold of a release, written split by split; provenance beside it, line for line.

    SPLIT.jsonl             {"id", "text", "entities": [{"start", "end", "label", "text"}],
                             "not_annotated"?, "meta"?}
    SPLIT.provenance.jsonl  {"id", …as provenance.py says…, "crc"}

Both are canonical: fixed keys, no white space, lines in the order of their bytes. `crc` is of the
two lines (the second one without it), so that damage is found by line. Nothing in SPLIT.jsonl
depends on a machine, a database or a time.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from msgspec import UNSET
from sqlalchemy.orm import Session

from backend.db import releases
from backend.db.releases import GoldRow
from backend.db.tables import Part
from backend.workflow.imports.few_collections import few_collections
from backend.workflow.release import Span, spans
from backend.workflow.releases.counts import OriginCounts, SplitCounts
from backend.workflow.releases.filters import Filters
from backend.workflow.releases.labels import ReleasedLabels
from backend.workflow.releases.lines import (
    ReleasedEntity,
    ReleasedGold,
    StoredEntities,
    encode,
    entities_of,
    own_data,
    with_crc,
)
from backend.workflow.releases.provenance import Origin, PageProvenance, Provenance
from backend.workflow.releases.roles import roles_of
from backend.workflow.releases.sorting import FileFacts, SortedPairs

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
    with few_collections():
        for page in releases.gold_pages(
            session, project_id, since=filters.since, until=filters.until
        ):
            writer.add(page, provenance.of(page))
            advance(len(page))
    return writer.finish()


@dataclass(slots=True)
class _Taken:
    """What one split gets of a page: lines with those beside them, and each document's labels."""

    pairs: list[tuple[bytes, bytes]] = field(default_factory=list)
    labels: list[tuple[str, ...]] = field(default_factory=list)


class _Writer:
    def __init__(
        self, folder: Path, labels: ReleasedLabels, filters: Filters, roles: Mapping[str, str]
    ):
        self._labels, self._filters, self._roles = labels, filters, roles
        self._stored = StoredEntities(labels.plain)
        self._pairs = {
            split: SortedPairs(folder / gold_file(split), folder / provenance_file(split))
            for split in SPLITS
        }
        self._splits = {split: SplitCounts() for split in SPLITS}
        self._page: defaultdict[str, _Taken] = defaultdict(_Taken)
        self._origins = OriginCounts()
        self._takes_all = filters.takes_all

    def add(self, page: Sequence[GoldRow], provenance: PageProvenance) -> None:
        for row in page:
            entities = self._stored.read(row.text, row.entities)
            if entities is None:
                entities = self._named(row)
            origin = provenance.origin(row)
            if self._takes_all or self._filters.take(origin.vouching, origin.agreement):
                self._take(row, entities, origin, provenance)
        for split, taken in self._page.items():
            self._pairs[split].add(taken.pairs)
            self._splits[split].add(taken.labels)
        self._page.clear()

    def finish(self) -> Content:
        files: dict[str, FileFacts] = {}
        for split, pairs in self._pairs.items():
            files[gold_file(split)], files[provenance_file(split)] = pairs.finish()
            self._splits[split].sum_up()
        return Content(files, self._splits, self._origins)

    def _take(
        self,
        row: GoldRow,
        entities: list[ReleasedEntity],
        origin: Origin,
        provenance: PageProvenance,
    ) -> None:
        copied = provenance.original(row) if origin.original else None
        silent = self._labels.not_annotated(
            copied.not_annotated if copied else row.not_annotated,
            row.revision,
            origin.original or origin.source,
            row.version_name,
        )
        for label in silent:
            self._origins.not_annotated[label] += 1
        name = row.external_id
        line = encode(ReleasedGold(name, row.text, entities, silent or UNSET, own_data(row.meta)))
        beside = b'{"id":%b,%b' % (encode(name), self._origins.add(origin, len(entities)))
        if row.copy_of or row.near_key or row.adjudication_id:
            beside += self._own(provenance.own(row))
        split = self._roles.get(row.group_key) or row.part or "train"
        taken = self._page[split]
        taken.pairs.append((line, with_crc(line, beside)))
        taken.labels.append(tuple([entity.label for entity in entities]))

    def _own(self, told: dict[str, Any]) -> bytes:
        self._origins.copies += "copy_of" in told
        self._origins.near += "near" in told
        return b"," + orjson.dumps(told)[1:-1] if told else b""

    def _named(self, row: GoldRow) -> list[ReleasedEntity]:
        """Entities under their newest names; what has become the same is there once."""
        found: dict[Span, None] = {}
        for start, end, label in spans(row.external_id, row.text, orjson.loads(row.entities)):
            name = self._labels.name_of(label)
            if name is None:
                self._origins.left_out[label] += 1
            else:
                found[start, end, name] = None
        return entities_of(row.text, sorted(found))
