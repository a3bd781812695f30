"""The first objects in the beginning of a JSON file: what formats are told by."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import ijson
from ijson.common import ObjectBuilder

LOOKED_AT = 20  # objects: one damaged or odd line decides nothing


def best_object(head: str, score: Callable[[dict[str, Any]], float]) -> float:
    """The best score among the first objects of JSON Lines, an array or a single object."""
    return max((score(found) for found in first_objects(head)), default=0.0)


@lru_cache(maxsize=4)
def first_objects(head: str) -> tuple[dict[str, Any], ...]:
    """Objects of JSON Lines, elements of an array, or the one object that a file is.

    The last may be cut where `head` ends and hold the keys so far. Every format asks for the same
    head: it is parsed once.
    """
    start = head.lstrip()[:1]
    if start == "[":
        values = _values(head)
        inside = values[0] if values and isinstance(values[0], list) else []
        return tuple(one for one in inside[:LOOKED_AT] if isinstance(one, dict))
    found: list[Any] = []
    if start == "{":
        found = _values(head)
        if len(found) <= 1:  # one object over many lines, or a damaged first line
            found += [one for line in head.split("\n")[1 : LOOKED_AT + 1] for one in _line(line)]
    return tuple(one for one in found if isinstance(one, dict))


def _line(line: str) -> list[Any]:
    return _values(line) if line.startswith("{") else []


def _values(text: str) -> list[Any]:
    """The first values of a text; the last is what there was of it when the text was cut."""
    values: list[Any] = []
    builder, depth = ObjectBuilder(), 0
    try:
        for event, value in ijson.basic_parse(
            text.encode("utf-8", "replace"), use_float=True, multiple_values=True
        ):
            builder.event(event, value)
            depth += event.startswith("start_") - event.startswith("end_")
            if depth == 0:
                values.append(builder.value)
                builder = ObjectBuilder()
                if len(values) == LOOKED_AT:
                    return values
    except ijson.JSONError:  # cut at the end, or damaged: what came before tells enough
        pass
    return [*values, builder.value] if hasattr(builder, "value") else values
