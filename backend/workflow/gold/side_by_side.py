"""Two readings of one text, or of two near copies, held side by side: what of each differs.

Exact copies differ in nothing but white space and the width of characters, and share all that they
say; near copies share what lies in pieces that are the same in both (`duplicates/conflicts.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from backend.workflow.correct import changes
from backend.workflow.duplicates.conflicts import shared
from backend.workflow.duplicates.normal_form import normal_entities, normal_form
from ml_backend.contract.entity import Entity


@dataclass(frozen=True, slots=True)
class Reading:
    """A text and what somebody says its entities are."""

    text: str
    entities: Sequence[Entity]


@dataclass(frozen=True, slots=True)
class Side:
    """A reading and what the other has not, in the offsets of its own text.

    `differences` has removed, added, moved or relabelled for an entity that differs: removed is
    what the first alone has, added what the second alone has. `changed` are ranges of the text
    that the other's text does not have.
    """

    reading: Reading
    differences: dict[Entity, str]
    changed: list[tuple[int, int]]


def side_by_side(first: Reading, second: Reading, casefold: bool) -> tuple[Side, Side]:
    """What differs between two readings, on both sides."""
    ours, theirs = _normal(first, casefold), _normal(second, casefold)
    said, moved = shared(
        normal_form(first.text, casefold),
        frozenset(ours.values()),
        normal_form(second.text, casefold),
        frozenset(theirs.values()),
    )
    found = changes(sorted(said), sorted(set(moved.values())))
    left = dict.fromkeys(found.removed, "removed")
    right = dict.fromkeys(found.added, "added")
    for kind, pairs in (("moved", found.moved), ("relabelled", found.relabelled)):
        left |= dict.fromkeys((before for before, _ in pairs), kind)
        right |= dict.fromkeys((after for _, after in pairs), kind)
    changed, changed_there = _changed(first.text, second.text)
    others = {one: moved.get(its) for one, its in theirs.items()}
    return (
        Side(first, _of(ours, left), changed),
        Side(second, _of(others, right), changed_there),
    )


def _normal(reading: Reading, casefold: bool) -> dict[Entity, Entity]:
    """Each entity beside what it is in the offsets of the normal form, where anything is."""
    found = {
        one: Entity(*normal_entities([one], reading.text, casefold)[0]) for one in reading.entities
    }
    return {one: its for one, its in found.items() if its.start < its.end}


def _of(
    entities: Mapping[Entity, Entity | None], differ: Mapping[Entity, str]
) -> dict[Entity, str]:
    """What differs, by the entities of the text itself."""
    return {one: differ[its] for one, its in entities.items() if its is not None and its in differ}


def _changed(text: str, other: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    codes = [code for code in Levenshtein.opcodes(text, other) if code.tag != "equal"]
    return (
        [(code.src_start, code.src_end) for code in codes if code.src_start < code.src_end],
        [(code.dest_start, code.dest_end) for code in codes if code.dest_start < code.dest_end],
    )
