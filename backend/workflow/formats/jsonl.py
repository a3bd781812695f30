"""JSON Lines: `{"id"?, "text", "entities"?: [{"start", "end", "label"}], "meta"?}` a line.

Our own export reads back in: keys that are not ours are kept in `meta`, and an entity that
states its text is checked against it. What `goldloop export` tells of a document's gold beside it
(`TOLD`) is no data of the document: a line that has all of these keys is from there.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, BinaryIO

import orjson

from backend.workflow.formats import checks
from backend.workflow.formats.format import ExportDocument, Loss, WriteOptions
from backend.workflow.formats.json_head import best_object
from backend.workflow.formats.json_records import JsonRecord, json_records
from backend.workflow.formats.losses import held_entities
from backend.workflow.formats.record import DocumentRecord, RefusedLine, Unit
from backend.workflow.formats.refused import REFUSED
from backend.workflow.formats.source import Source

NAME = "jsonl"
DESCRIPTION = 'JSON Lines of this project: {"id", "text", "entities": [{"start", "end", "label"}]}'
EXTENSIONS = (".jsonl", ".ndjson")
HEAD_OF_ARRAY = 64  # bytes in which an array has begun
TOLD = ("annotator", "updated_at", "source", "arm", "part", "copy_of")
_TOLD = frozenset(TOLD)
_OURS = ("id", "text", "entities", "meta", REFUSED)


def detect(head: str, name: str) -> float:
    """Sure of entities as ours; a text alone is ours, and so is what is only called so."""
    return max(best_object(head, _score), 0.06 * name.lower().endswith(EXTENSIONS))


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The lines of a file in order, good and refused; blank lines are skipped.

    A line ends at newline only, never at a separator inside a text. One array of the same objects
    is read as well.
    """
    if source.head(HEAD_OF_ARRAY).lstrip()[:1] == "[":
        yield from map(partial(_element, source.name), json_records(source))
        return
    for number, line in source.utf8_lines():
        if not line.isspace():
            yield read_line(line, file=source.name, number=number)


def read_line(line: bytes, *, file: str, number: int) -> DocumentRecord | RefusedLine:
    """One line; what is wrong with it is told in the refusal."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        # orjson takes only UTF-8 and refuses half surrogate pairs: no database could keep them
        shown = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
        return RefusedLine(file, number, f"not JSON in UTF-8: {error}", unreadable(shown))
    if not isinstance(record, dict):
        shown = line.decode().rstrip("\r\n")
        return RefusedLine(file, number, "not a JSON object", unreadable(shown))
    return _document(record, file, number, "line")


def _element(file: str, found: JsonRecord | RefusedLine) -> DocumentRecord | RefusedLine:
    if isinstance(found, RefusedLine):
        return found
    return _document(found.value, file, found.number, found.unit)


def _document(
    record: dict[str, Any], file: str, number: int, unit: Unit
) -> DocumentRecord | RefusedLine:
    ours = (*_OURS, *TOLD) if record.keys() >= _TOLD else _OURS
    meta, more = record.get("meta"), checks.without(record, ours)
    return checks.document(
        file=file,
        line=number,
        unit=unit,
        text=record.get("text"),
        external_id=record.get("id"),
        entities=record.get("entities"),
        meta={**more, **meta} if isinstance(meta, dict) else more if meta is None else meta,
        raw=record,
    )


def unreadable(line: str) -> dict[str, Any]:
    """A line that is no object, as one that can be mended."""
    return {"text": None, "line": line}


def write(
    documents: Iterable[ExportDocument],
    out: BinaryIO,
    options: WriteOptions = WriteOptions(),
) -> Iterator[Loss]:
    """One line a document; each entity states its text."""
    for document in documents:
        entities = yield from held_entities(document)
        record = {
            "id": document.id,
            "text": document.text,
            "entities": [
                {
                    "start": entity.start,
                    "end": entity.end,
                    "label": entity.label,
                    "text": document.text[entity.start : entity.end],
                }
                for entity in entities
            ],
            "meta": document.data,
        }
        out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def _score(record: dict[str, Any]) -> float:
    if not isinstance(record.get("text"), str):
        return 0.0
    entities = record.get("entities")
    if not isinstance(entities, list):
        return 0.4
    if not entities:
        return 0.8
    return 1.0 if isinstance(entities[0], dict) and "start" in entities[0] else 0.0
