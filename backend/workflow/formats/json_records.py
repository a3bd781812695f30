"""Objects out of a JSON file, streamed: JSON Lines, one array, or one object after another."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ijson
import orjson

from backend.workflow.formats.record import RefusedLine, Unit
from backend.workflow.formats.source import Source

_FIRST_LINES = 20


@dataclass(frozen=True, slots=True)
class JsonRecord:
    """One object; `number` is its line in JSON Lines and its place, from 1, in an array."""

    number: int
    unit: Unit
    value: dict[str, Any]


def json_records(source: Source) -> Iterator[JsonRecord | RefusedLine]:
    """The objects in order; what is no object or no JSON is refused.

    A damaged line of JSON Lines costs that line. In an array nothing after the damage can be
    read, and the refusal says so. One object stays in memory at a time.
    """
    if is_json_lines(source):
        yield from _lines(source)
        return
    with source.open_utf8() as file:
        array = source.head().lstrip()[:1] == "["
        values = ijson.items(
            file, "item" if array else "", use_float=True, multiple_values=not array
        )
        number = 0
        try:
            for number, value in enumerate(values, start=1):
                yield _object(source, number, "record", value)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            reason = f"not JSON, nothing after it can be read: {error}"
            yield RefusedLine(source.name, number + 1, reason, unit="record")


def is_json_lines(source: Source) -> bool:
    """Whether a file has an object a line, rather than one array or objects over many lines."""
    head = source.head()
    if head.lstrip()[:1] == "[":
        return False
    lines = [line for line in head.split("\n")[:_FIRST_LINES] if line.strip()]
    return len(lines) < 2 or any(line[:1] == "{" and _is_object(line) for line in lines)


def _is_object(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def _lines(source: Source) -> Iterator[JsonRecord | RefusedLine]:
    for number, line in source.utf8_lines():
        if line.isspace():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            shown = line.decode("utf-8", "backslashreplace").rstrip("\r\n")
            reason = f"not JSON in UTF-8: {error}"
            yield RefusedLine(source.name, number, reason, {"line": shown})
        else:
            yield _object(source, number, "line", value)


def _object(source: Source, number: int, unit: Unit, value: Any) -> JsonRecord | RefusedLine:
    if isinstance(value, dict):
        return JsonRecord(number, unit, value)
    return RefusedLine(source.name, number, "not a JSON object", {"line": value}, unit)
