"""AIHub and 모두의 말뭉치 JSON: sentences deep inside, each with its text and its named entities.

모두의 말뭉치 is `{"document": [{"sentence": [{"id", "form", "NE": [{"form", "label", "begin",
"end"}]}]}]}`; the sets of AIHub differ in nesting and names, so a sentence is found by what it
has: a text and a list of entities under names that are listed here. Whether `end` is inclusive is
settled by each entity's own surface string, which must stand there; without one it is exclusive.

One element of the outermost array (a document) is in memory at a time.
"""

from collections.abc import Iterator
from typing import Any

import ijson
from ijson.common import ObjectBuilder

from backend.workflow.formats import checks
from backend.workflow.formats.checks import RecordError
from backend.workflow.formats.json_head import best_object
from backend.workflow.formats.json_records import is_json_lines, json_records
from backend.workflow.formats.record import DocumentRecord, RefusedLine, Unit
from backend.workflow.formats.refused import REFUSED
from backend.workflow.formats.source import Source

NAME = "sentence-json"
DESCRIPTION = (
    'AIHub and 모두의 말뭉치 JSON: sentences with "NE": [{"form", "label", "begin", "end"}]'
)
EXTENSIONS = (".json",)
_TEXTS = ("form", "sentence", "text", "context", "original_form")
_LISTS = ("NE", "ne", "NER", "ner", "named_entity", "named_entities", "annotations", "entities")
_SURFACES = ("form", "text", "TagText", "entity", "word")
_LABELS = ("label", "type", "TagCode", "tag", "ne_type")
_BEGINS = ("begin", "startPos", "begin_index", "start_pos")
_ENDS = ("end", "endPos", "end_index", "end_pos")
_PARENTS = ("sentence", "sentences")  # whose elements are sentences even without entities


def detect(head: str, name: str) -> float:
    """Sure of a sentence whose entities have a begin and an end under their names."""
    return best_object(head, _score)


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The sentences in order; numbered from 1 in the file, or by line in JSON Lines."""
    number = 0
    for place, unit, element in _elements(source):
        if isinstance(element, RefusedLine):
            yield element
            continue
        for sentence in _sentences(element, parent=""):
            number += 1
            yield _document(source.name, place if unit == "line" else number, unit, sentence)


def _elements(source: Source) -> Iterator[tuple[int, Unit, Any]]:
    head = source.head()
    if head.lstrip()[:1] == "[" or (is_json_lines(source) and _is_lines_of_sentences(head)):
        for record in json_records(source):
            if isinstance(record, RefusedLine):
                yield record.line, record.unit, record
            else:
                yield record.number, record.unit, record.value
        return
    number = 0
    try:
        for number, element in enumerate(_outermost(source), start=1):
            yield number, "record", element
    except (ijson.JSONError, UnicodeDecodeError) as error:
        reason = f"not JSON, nothing after it can be read: {error}"
        yield number, "record", RefusedLine(source.name, number + 1, reason, unit="record")


def _outermost(source: Source) -> Iterator[Any]:
    """The elements of the arrays that are in no other array, one at a time."""
    depth, arrays = 0, 0
    builder = ObjectBuilder()
    with source.open_utf8() as file:
        for event, value in ijson.basic_parse(file, use_float=True):
            opens, closes = event.startswith("start_"), event.startswith("end_")
            if arrays == 0:
                arrays += event == "start_array"
                continue
            if depth == 0 and event == "end_array":
                arrays = 0
                continue
            builder.event(event, value)
            depth += opens - closes
            if depth == 0:
                yield builder.value
                builder = ObjectBuilder()


def _sentences(value: Any, parent: str) -> Iterator[dict[str, Any]]:
    """The sentences in a value, however deep; there are none inside of another."""
    if isinstance(value, list):
        for item in value:
            yield from _sentences(item, parent)
    elif isinstance(value, dict):
        if _is_sentence(value) or (parent in _PARENTS and _first(value, _TEXTS) is not None):
            yield value
        else:
            for key, item in value.items():
                yield from _sentences(item, key)


def _is_sentence(value: dict[str, Any]) -> bool:
    return isinstance(_first(value, _TEXTS), str) and any(
        isinstance(value.get(key), list) for key in _LISTS
    )


def _score(record: dict[str, Any]) -> float:
    for sentence in _sentences(record, parent=""):
        key = next((key for key in _LISTS if isinstance(sentence.get(key), list)), None)
        entities = sentence.get(key) if key else None
        if entities and isinstance(entities[0], dict):
            if _first(entities[0], _BEGINS) is not None:
                return 1.0
        elif key in ("NE", "ne", "NER", "ner"):
            return 0.8
    return 0.0


def _is_lines_of_sentences(head: str) -> bool:
    return best_object(head, lambda record: float(_is_sentence(record))) > 0


def _document(
    file: str, number: int, unit: Unit, sentence: dict[str, Any]
) -> DocumentRecord | RefusedLine:
    text_key = next(key for key in _TEXTS if sentence.get(key) is not None)
    list_key = next((key for key in _LISTS if isinstance(sentence.get(key), list)), None)
    text, entities = sentence[text_key], None
    try:
        if list_key is not None:
            entities = [_entity(found, text) for found in sentence[list_key]]
    except RecordError as error:
        return RefusedLine(file, number, str(error), sentence, unit)
    identity = sentence.get("id")
    return checks.document(
        file=file,
        line=number,
        unit=unit,
        text=text,
        # a bare number counts sentences within one file and names none
        external_id=identity if isinstance(identity, str) and not identity.isdigit() else None,
        entities=entities,
        meta={
            key: value
            for key, value in sentence.items()
            if not isinstance(value, list) and key not in (text_key, "id", REFUSED)
        },
        raw=sentence,
    )


def _entity(found: object, text: object) -> dict[str, Any]:
    if not isinstance(found, dict) or not isinstance(text, str):
        raise RecordError("entities must be a list of objects")
    begin, end = _first(found, _BEGINS), _first(found, _ENDS)
    surface, label = _first(found, _SURFACES), _first(found, _LABELS)
    if type(begin) is not int or type(end) is not int:
        raise RecordError(f"entity {surface!r}: begin and end must be whole numbers")
    if isinstance(surface, str) and surface != text[begin:end] and surface == text[begin : end + 1]:
        end += 1
    return {"start": begin, "end": end, "label": label, "text": surface}


def _first(record: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((record[key] for key in keys if record.get(key) is not None), None)
