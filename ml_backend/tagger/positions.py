"""Positions: what a head labels. Characters as a rule, an encoder's tokens where that is wanted.

`places` are the characters of each position, as half-open ranges that rise and lie apart; None
where position i is character i.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ml_backend.contract.entity import Entity

Range = tuple[int, int]
Places = Sequence[Range]


@dataclass(frozen=True, slots=True)
class Target:
    """What is known of one text's gold, in positions.

    `missing` labels were not annotated in this text, so their absence says nothing; of the
    `unknown` ranges nothing at all is known. What is outside both and in no entity is O.
    """

    entities: Sequence[Entity]
    missing: frozenset[str] = frozenset()
    unknown: Sequence[Range] = ()


def to_positions(target: Target, places: Places | None) -> Target:
    """The same gold in positions.

    An entity that no positions have exactly leaves those that it touches unknown: they are
    neither that entity nor O.
    """
    if places is None:
        return target
    entities: list[Entity] = []
    unknown = [_touched(start, end, places) for start, end in target.unknown]
    for entity in target.entities:
        start, end = _touched(entity.start, entity.end, places)
        if _has(entity, start, end, places):
            entities.append(Entity(start, end, entity.label, entity.probability))
        else:
            unknown.append((start, end))
    known = sorted({(start, end) for start, end in unknown if start < end})
    return Target(entities, target.missing, known)


def to_characters(entities: Iterable[Entity], places: Places | None) -> list[Entity]:
    """Entities of positions as those of the text."""
    if places is None:
        return list(entities)
    return [
        Entity(places[one.start][0], places[one.end - 1][1], one.label, one.probability)
        for one in entities
    ]


def unreachable(entities: Iterable[Entity], places: Places | None) -> list[Entity]:
    """The entities of a text that no positions have exactly, so that no head can give them."""
    if places is None:
        return []
    return [
        entity
        for entity in entities
        if not _has(entity, *_touched(entity.start, entity.end, places), places)
    ]


def _touched(start: int, end: int, places: Places) -> Range:
    """The positions that share a character with `[start, end)`."""
    first = bisect_right(places, start, key=lambda place: place[1])
    return first, max(first, bisect_left(places, end, key=lambda place: place[0]))


def _has(entity: Entity, start: int, end: int, places: Places) -> bool:
    if start == end:
        return False
    return (places[start][0], places[end - 1][1]) == (entity.start, entity.end)
