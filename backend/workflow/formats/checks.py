"""The one door for documents that are read from files: what cannot be one is refused, with why."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

from backend.workflow.formats.encoding import damage
from backend.workflow.formats.record import DocumentRecord, RefusedLine, Unit
from ml_backend.contract.entity import Entity, EntityError, first_overlap

ID_LENGTH = 200
NOT_ANNOTATED = "not_annotated"
TEXT_LENGTH = 1_000_000  # characters; more is a file that was not cut into documents


class RecordError(ValueError):
    """Why something that was read cannot be a document."""


def document(
    *,
    file: str,
    line: int,
    text: object,
    raw: dict[str, Any] | str,
    external_id: object = None,
    entities: object = None,
    meta: object = None,
    labels: tuple[str, ...] | None = None,
    unit: Unit = "line",
    note: str | None = None,
) -> DocumentRecord | RefusedLine:
    """A document as a file has it, or the refusal that says what is wrong with it.

    `entities` is None where the file says nothing of them, or a list of mappings with `start`,
    `end`, `label` and, where the source states its surface string, `text`: it must be what
    stands there. `raw` is what a refused record is mended from: an object of JSON, or lines.
    Our own exports name labels under `not_annotated` in `meta`, whatever the format: they become
    the record's.
    """
    try:
        checked, other = checked_text(text), checked_meta(meta)
        silent = _not_annotated(other)
        return DocumentRecord(
            file=file,
            line=line,
            text=checked,
            external_id=checked_id(external_id),
            entities=checked_entities(entities, checked),
            meta=other if silent is None else without(other, (NOT_ANNOTATED,)),
            raw=raw,
            labels=labels,
            unit=unit,
            note=note,
            not_annotated=silent or (),
        )
    except RecordError as error:
        return RefusedLine(file, line, str(error), raw, unit)


def checked_text(value: object) -> str:
    """A text that a document may have; raises RecordError."""
    if not isinstance(value, str):
        raise RecordError("text is missing" if value is None else "text must be a string")
    if not value or value.isspace():
        raise RecordError("text is empty")
    if "\0" in value:
        raise RecordError("text holds a NUL character, which databases cannot keep")
    if len(value) > TEXT_LENGTH:
        raise RecordError(f"text has {len(value)} characters; at most {TEXT_LENGTH} are taken")
    if why := damage(value):
        raise RecordError(f"text is damaged: {why}")
    return value


def checked_id(value: object) -> str | None:
    """A document's own id, None where it has none; raises RecordError."""
    if value is None:
        return None
    if type(value) is int:
        return str(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value or damage(value):
        raise RecordError("id must be a non-empty string or a whole number")
    if len(value) > ID_LENGTH:
        raise RecordError(f"id has {len(value)} characters; at most {ID_LENGTH} are taken")
    return value


def checked_entities(value: object, text: str) -> list[Entity] | None:
    """Entities in order, each at its own surface string, none overlapping; raises RecordError."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise RecordError("entities must be a list of objects")
    entities = [_entity(record, text) for record in value]
    if any(left.end > right.start for left, right in pairwise(entities)):  # most files sort them
        entities.sort(key=_span)
        if overlap := first_overlap(entities):
            left, right = overlap
            raise RecordError(
                f"entities overlap: [{left.start}, {left.end}) {left.label!r} "
                f"and [{right.start}, {right.end}) {right.label!r}"
            )
    return entities


def checked_meta(value: object) -> dict[str, Any]:
    """What else a file says of a document; raises RecordError."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RecordError("meta must be an object")
    return value


def without(record: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """The keys of a record that are not among `keys`: what goes to `meta`."""
    return {key: value for key, value in record.items() if key not in keys}


def _not_annotated(meta: Mapping[str, Any]) -> tuple[str, ...] | None:
    names = meta.get(NOT_ANNOTATED)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return None
    return tuple(names)


def _entity(record: object, text: str) -> Entity:
    if not isinstance(record, dict):
        raise RecordError("entities must be a list of objects")
    start, end, label = record.get("start"), record.get("end"), record.get("label")
    if (
        type(start) is int
        and type(end) is int
        and type(label) is str
        and 0 <= start < end <= len(text)
        and label
    ):
        entity = Entity(start, end, label)  # a probability is a model's and not taken over
    else:
        try:  # it says what is wrong
            entity = Entity.from_dict(record, length=len(text))
        except EntityError as error:
            raise RecordError(f"entity: {error}") from error
    stated, found = record.get("text"), text[entity.start : entity.end]
    if stated is not None and stated != found:
        raise RecordError(
            f"entity [{entity.start}, {entity.end}) {label!r} says it is {stated!r}, "
            f"but the text there is {found!r}"
        )
    if why := _label_damage(entity.label):
        raise RecordError(f"label is damaged: {why}")
    return entity


def _span(entity: Entity) -> tuple[int, int]:
    return entity.start, entity.end


@lru_cache(maxsize=1024)
def _label_damage(label: str) -> str | None:
    return damage(label)
