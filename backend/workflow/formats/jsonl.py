"""JSON Lines: `{"id"?, "text", "entities"?: [{"start", "end", "label"}], "meta"?}` a line.

Our own export reads back in: keys that are not ours are kept in `meta`, and an entity that
states its text is checked against it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from backend.workflow.formats.record import DocumentRecord, RefusedLine
from ml_backend.contract.entity import Entity, EntityError, first_overlap

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
ID_LENGTH = 200
TEXT_LENGTH = 1_000_000  # characters; more is a file that was not cut into documents
REFUSED = "refused"  # the key under which a refused line carries its reason
_OURS = ("id", "text", "entities", "meta", REFUSED)


class _LineError(ValueError):
    """Why a line cannot be a document."""


def read(path: Path) -> Iterator[DocumentRecord | RefusedLine]:
    """The lines of a file in order, good and refused; blank lines are skipped.

    A line ends at newline only, never at a separator inside a text.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = line.removeprefix(BYTE_ORDER_MARK)
            if line.strip():
                yield read_line(line, file=path.name, number=number)


def read_line(line: bytes, *, file: str, number: int) -> DocumentRecord | RefusedLine:
    """One line; what is wrong with it is told in the refusal."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        # orjson takes only UTF-8 and refuses half surrogate pairs: no database could keep them
        shown = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
        return RefusedLine(file, number, f"not JSON in UTF-8: {error}", shown)
    if not isinstance(record, dict):
        return RefusedLine(file, number, "not a JSON object", line.decode().rstrip("\r\n"))
    try:
        text = _text(record.get("text"))
        return DocumentRecord(
            file=file,
            line=number,
            text=text,
            external_id=_external_id(record.get("id")),
            entities=_entities(record.get("entities"), text),
            meta=_meta(record),
            raw=record,
        )
    except _LineError as error:
        return RefusedLine(file, number, str(error), record)


def refused_record(refused: RefusedLine) -> dict[str, Any]:
    """A refused line as a line that can be mended and imported again."""
    record = refused.raw if isinstance(refused.raw, dict) else {"text": None, "line": refused.raw}
    return {REFUSED: f"line {refused.line}: {refused.reason}", **_without(record, REFUSED)}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _LineError("text is missing" if value is None else "text must be a string")
    if not value.strip():
        raise _LineError("text is empty")
    if "\0" in value:
        raise _LineError("text holds a NUL character, which databases cannot keep")
    if len(value) > TEXT_LENGTH:
        raise _LineError(f"text has {len(value)} characters; at most {TEXT_LENGTH} are taken")
    return value


def _external_id(value: object) -> str | None:
    if value is None:
        return None
    if type(value) is int:
        return str(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise _LineError("id must be a non-empty string or a whole number")
    if len(value) > ID_LENGTH:
        raise _LineError(f"id has {len(value)} characters; at most {ID_LENGTH} are taken")
    return value


def _entities(value: object, text: str) -> list[Entity] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise _LineError("entities must be a list of objects")
    try:
        entities = [_entity(item, text) for item in value]
    except EntityError as error:
        raise _LineError(f"entity: {error}") from error
    entities.sort()
    if overlap := first_overlap(entities):
        left, right = overlap
        raise _LineError(
            f"entities overlap: [{left.start}, {left.end}) {left.label!r} "
            f"and [{right.start}, {right.end}) {right.label!r}"
        )
    return entities


def _entity(record: Mapping[str, Any], text: str) -> Entity:
    entity = Entity.from_dict({**record, "probability": None}, length=len(text))
    stated, found = record.get("text"), text[entity.start : entity.end]
    if stated is not None and stated != found:
        raise _LineError(
            f"entity [{entity.start}, {entity.end}) {entity.label!r} says it is {stated!r}, "
            f"but the text there is {found!r}"
        )
    return entity


def _meta(record: dict[str, Any]) -> dict[str, Any]:
    meta = record.get("meta")
    if meta is not None and not isinstance(meta, dict):
        raise _LineError("meta must be an object")
    return {**_without(record, *_OURS), **(meta or {})}


def _without(record: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in keys}
