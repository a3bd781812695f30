"""CLUENER: `{"text", "label": {"name": {"叶老桂": [[9, 11]]}}}` a line, ends inclusive.

A line without `label` is of the test file: its entities are unknown, not none.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from backend.workflow.formats import checks
from backend.workflow.formats.json_head import best_object
from backend.workflow.formats.jsonl import unreadable
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.refused import REFUSED
from backend.workflow.formats.source import Source

NAME = "cluener"
DESCRIPTION = 'CLUENER: {"text", "label": {"name": {"surface": [[start, last]]}}} a line'
EXTENSIONS = (".json", ".jsonl")
_OURS = ("id", "text", "label", REFUSED)


def detect(head: str, name: str) -> float:
    """Sure of labels that hold objects of surfaces."""
    return best_object(head, _score)


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The lines in order, good and refused; blank lines are skipped."""
    for number, line in source.utf8_lines():
        if not line.isspace():
            yield _read_line(line, source.name, number)


def _score(record: dict[str, Any]) -> float:
    label = record.get("label")
    if not isinstance(record.get("text"), str) or not isinstance(label, dict):
        return 0.0
    if not label:
        return 0.5
    return 1.0 if all(isinstance(surfaces, dict) for surfaces in label.values()) else 0.0


def _read_line(line: bytes, file: str, number: int) -> DocumentRecord | RefusedLine:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        shown = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
        return RefusedLine(file, number, f"not JSON in UTF-8: {error}", unreadable(shown))
    if not isinstance(record, dict):
        shown = line.decode().rstrip("\r\n")
        return RefusedLine(file, number, "not a JSON object", unreadable(shown))
    try:
        entities = _entities(record.get("label"))
    except checks.RecordError as error:
        return RefusedLine(file, number, str(error), record)
    return checks.document(
        file=file,
        line=number,
        text=record.get("text"),
        external_id=record.get("id"),
        entities=entities,
        meta=checks.without(record, _OURS),
        raw=record,
    )


def _entities(label: object) -> list[dict[str, Any]] | None:
    """Each place of each surface, with the surface as the text that must stand there."""
    if label is None:
        return None
    entities = []
    for name, surfaces in _object(label, "label").items():
        for surface, places in _object(surfaces, f"label {name!r}").items():
            if not isinstance(places, list):
                raise checks.RecordError(f"the places of {surface!r} must be a list")
            for place in places:
                start, last = _place(place, surface)
                entities.append({"start": start, "end": last + 1, "label": name, "text": surface})
    return entities


def _object(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise checks.RecordError(f"{what} must be an object")
    return value


def _place(value: object, surface: str) -> tuple[int, int]:
    if (
        isinstance(value, list)
        and len(value) == 2
        and type(value[0]) is type(value[1]) is int
        and value[0] <= value[1]
    ):
        return value[0], value[1]
    raise checks.RecordError(f"a place of {surface!r} must be [first, last], not {value!r}")
