"""doccano JSON Lines, in the three forms that it has exported over its versions.

`"label": [[start, end, label]]`, the same under `labels`, and with relations
`"entities": [{"start_offset", "end_offset", "label"}]`. Offsets are code points. Its `id` is a
row number of its database. Comments and other keys go to `meta`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import orjson

from backend.workflow.formats import checks
from backend.workflow.formats.checks import RecordError
from backend.workflow.formats.format import ExportDocument, Loss, WriteOptions
from backend.workflow.formats.json_head import best_object
from backend.workflow.formats.json_records import json_records
from backend.workflow.formats.losses import held_entities
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.refused import REFUSED
from backend.workflow.formats.source import Source

NAME = "doccano"
DESCRIPTION = 'doccano JSON Lines: {"text", "label": [[start, end, label]]}'
EXTENSIONS = (".jsonl", ".json")
_KEYS = ("label", "labels", "entities")


def detect(head: str, name: str) -> float:
    """Sure of triples and of offsets by doccano's names."""
    return best_object(head, _score)


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The documents of an export, a line each."""
    for record in json_records(source):
        if isinstance(record, RefusedLine):
            yield record
            continue
        value = record.value
        try:
            entities = _entities(value)
        except RecordError as error:
            yield RefusedLine(source.name, record.number, str(error), value, record.unit)
            continue
        meta = checks.without(value, ("id", "text", "data", "meta", REFUSED, *_KEYS))
        if isinstance(value.get("meta"), dict):
            meta |= value["meta"]
        yield checks.document(
            file=source.name,
            line=record.number,
            unit=record.unit,
            text=value.get("text", value.get("data")),
            external_id=value.get("id"),
            entities=entities,
            meta={key: item for key, item in meta.items() if item not in ([], None)},
            raw=value,
        )


def write(
    documents: Iterable[ExportDocument], out: BinaryIO, options: WriteOptions = WriteOptions()
) -> Iterator[Loss]:
    """One line a document in the form that every version of doccano imports."""
    for document in documents:
        entities = yield from held_entities(document)
        record: dict[str, Any] = {
            "id": document.id,
            "text": document.text,
            "label": [[entity.start, entity.end, entity.label] for entity in entities],
        }
        if data := document.data:
            record["meta"] = data
        out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def _score(record: dict[str, Any]) -> float:
    if not isinstance(record.get("text", record.get("data")), str):
        return 0.0
    entities = record.get("entities")
    if isinstance(entities, list) and entities and isinstance(entities[0], dict):
        return 1.0 if "start_offset" in entities[0] else 0.0
    for key in ("label", "labels"):
        triples = record.get(key)
        if isinstance(triples, list) and triples:
            return 1.0 if isinstance(triples[0], list) else 0.0
        if triples == []:
            return 0.7
    return 0.0


def _entities(record: dict[str, Any]) -> list[dict[str, Any]] | None:
    key = next((key for key in _KEYS if record.get(key) is not None), None)
    if key is None:
        return None
    found = record[key]
    if not isinstance(found, list):
        raise RecordError(f"{key} must be a list")
    return [_entity(one) for one in found]


def _entity(found: object) -> dict[str, Any]:
    if isinstance(found, list) and len(found) == 3:
        start, end, label = found
    elif isinstance(found, dict):
        start, end, label = found.get("start_offset"), found.get("end_offset"), found.get("label")
    else:
        raise RecordError(f"{found!r} is not [start, end, label]")
    return {"start": start, "end": end, "label": label}
