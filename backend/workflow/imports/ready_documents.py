"""Stage 1, before the database: lines of a file checked, named, keyed and cut in chunks.

What is ready is plain values, its JSON already as the database keeps it: a process that reads
sends it to the one that writes (loop/reading_ahead.py).
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.formats.naming import NamesByText
from backend.workflow.formats.record import DocumentRecord, RefusedLine, Unit
from ml_backend.contract.label_set import LabelSet

CHUNK = 600  # documents a transaction: some 15 ms of SQLite's one write lock


class ReadyDocument(NamedTuple):
    """A checked document with its id and its duplicate group; `meta` and `entities` are JSON.

    `named` says that the file gave the id, `labels` are those of the entities, `not_annotated`
    the project's labels that the file did not look for.
    """

    external_id: str
    named: bool
    text: str
    group_key: str
    meta: str
    entities: str | None
    labels: tuple[str, ...]
    not_annotated: list[str] | None
    file: str
    line: int
    unit: Unit
    note: str | None
    raw: bytes | dict[str, Any] | str  # an object as JSON where it can be

    def refuse(self, reason: str) -> RefusedLine:
        """The same line, refused for a reason that the database knows."""
        raw = orjson.loads(self.raw) if isinstance(self.raw, bytes) else self.raw
        return RefusedLine(self.file, self.line, reason, raw, self.unit)


class Chunk(NamedTuple):
    """Lines of one file that are written together; `lines` counts good and refused."""

    ready: list[ReadyDocument]
    refused: list[RefusedLine]

    @property
    def lines(self) -> int:
        return len(self.ready) + len(self.refused)


def chunks(
    records: Iterable[DocumentRecord | RefusedLine],
    labels: LabelSet,
    size: int = CHUNK,
    *,
    casefold: bool = False,
) -> Iterator[Chunk]:
    """Check the lines of one file against a project's labels, name the nameless, cut in chunks.

    A document without an id is named by its text.
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


class _Check:
    """The checks of one file's lines against one project."""

    def __init__(self, labels: LabelSet, casefold: bool):
        self._labels, self._casefold = tuple(labels), casefold
        self._known = {label: label for label in labels}  # one object a label is soon sent
        self._names = NamesByText()
        self._lacking: dict[tuple[tuple[str, ...] | None, tuple[str, ...]], list[str]] = {}

    def __call__(self, record: DocumentRecord | RefusedLine) -> ReadyDocument | RefusedLine:
        if isinstance(record, RefusedLine):
            return record
        found: list[dict[str, Any]] | None = None
        try:
            entities = record.entities or ()
            labels = tuple([self._known[entity.label] for entity in entities])
        except KeyError:
            unknown = sorted({entity.label for entity in entities} - self._known.keys())
            return record.refuse(f"label not in the project: {', '.join(map(repr, unknown))}")
        if record.entities is not None:
            found = [entity.to_dict() for entity in entities]
        named = record.external_id is not None
        return ReadyDocument(
            record.external_id or self._names.name(record.text),
            named,
            record.text,
            group_key(record.text, self._casefold),
            orjson.dumps(record.meta).decode() if record.meta else "{}",
            None if found is None else orjson.dumps(found).decode(),
            labels,
            self._not_annotated(record),
            record.file,
            record.line,
            record.unit,
            record.note,
            _small(record.raw),
        )

    def _not_annotated(self, record: DocumentRecord) -> list[str] | None:
        said = record.labels, record.not_annotated
        if said == (None, ()):
            return None
        if said not in self._lacking:
            looked_for = set(self._labels if record.labels is None else record.labels)
            looked_for.difference_update(record.not_annotated)
            self._lacking[said] = [label for label in self._labels if label not in looked_for]
        return self._lacking[said] or None


def _small(raw: dict[str, Any] | str) -> bytes | dict[str, Any] | str:
    """What a refusal is mended from, quick to send: it is seldom looked at."""
    if isinstance(raw, str):
        return raw
    try:
        return orjson.dumps(raw)
    except TypeError:  # a date of Parquet's, or half a surrogate pair
        return raw
