"""What an entity is: a labelled half-open range of code points of one exact text."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class EntityError(ValueError):
    """An entity that cannot be one of its text; carries the entity and the text's length."""

    def __init__(self, reason: str, *, start: object, end: object, label: object, length: int):
        self.reason, self.start, self.end, self.label, self.length = (
            reason,
            start,
            end,
            label,
            length,
        )
        super().__init__(f"{reason}: [{start}, {end}) {label!r} in a text of {length} characters")


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """`text[start:end]` is a mention of `label`; offsets are code points, `end` is exclusive.

    `probability` is the tagger's confidence in [0, 1], None where a person drew the span.
    It takes no part in comparison: two entities are equal when span and label are.
    """

    start: int
    end: int
    label: str
    probability: float | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entity) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> tuple[int, int, str]:
        """Span and label: what strict scoring compares."""
        return (self.start, self.end, self.label)

    def overlaps(self, other: "Entity") -> bool:
        """Whether the two share at least one character."""
        return self.start < other.end and other.start < self.end

    def to_dict(self) -> dict[str, Any]:
        """As JSON: `{"start", "end", "label"}` and `"probability"` where there is one."""
        record: dict[str, Any] = {"start": self.start, "end": self.end, "label": self.label}
        if self.probability is not None:
            record["probability"] = self.probability
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any], *, length: int) -> "Entity":
        """Read one record and check it against a text of `length` characters.

        Raises EntityError when a field is missing, of the wrong type, or out of range.
        """
        start, end, label = record.get("start"), record.get("end"), record.get("label")
        probability = record.get("probability")
        if type(start) is not int or type(end) is not int:
            reason = "start and end must be whole numbers"
        elif not isinstance(label, str) or not label:
            reason = "label must be a non-empty string"
        elif not 0 <= start < end <= length:
            reason = "offsets out of range"
        else:
            return cls(start, end, label, probability)
        raise EntityError(reason, start=start, end=end, label=label, length=length)


def read_entities(records: Iterable[Mapping[str, Any]], text: str) -> list[Entity]:
    """Check and sort the entity records of `text`; raises EntityError at the first bad one."""
    return sorted(Entity.from_dict(record, length=len(text)) for record in records)


def first_overlap(entities: Sequence[Entity]) -> tuple[Entity, Entity] | None:
    """The first two entities that share a character, or None; `entities` must be sorted."""
    for left, right in itertools.pairwise(entities):
        if left.overlaps(right):
            return left, right
    return None
