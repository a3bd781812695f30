"""Which predicted entity stands for which gold one, and what is wrong with it.

Gold and predicted entities of a text are paired one to one: first those of the same span, then
those that overlap, of one label before others and longer overlaps before shorter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ml_backend.contract.entity import Entity


class Kind(StrEnum):
    """What became of an entity, gold or predicted."""

    RIGHT = "right"
    LABEL = "label"  # the right span, another label
    BOUNDARY = "boundary"  # the right label, another span that overlaps
    BOTH = "label_and_boundary"
    MISSED = "missed"  # gold without a predicted entity
    SPURIOUS = "spurious"  # predicted without a gold entity


@dataclass(frozen=True, slots=True)
class Pair:
    """A gold entity and the predicted one that stands for it; one of them may be lacking."""

    gold: Entity | None
    predicted: Entity | None

    @property
    def kind(self) -> Kind:
        if self.gold is None:
            return Kind.SPURIOUS
        if self.predicted is None:
            return Kind.MISSED
        same_label = self.gold.label == self.predicted.label
        if _span(self.gold) == _span(self.predicted):
            return Kind.RIGHT if same_label else Kind.LABEL
        return Kind.BOUNDARY if same_label else Kind.BOTH

    @property
    def label(self) -> str:
        """Gold's label, or the predicted one where gold has none there."""
        entity = self.gold or self.predicted
        assert entity is not None, "a pair has at least one entity"
        return entity.label


def pairs(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[Pair]:
    """Each entity of a text in one pair; an entity that is given twice counts once."""
    wanted, found = sorted(set(gold)), sorted(set(predicted))
    candidates = sorted(_overlapping(wanted, found), key=lambda pair: _rank(*pair))
    gold_left, predicted_left = dict.fromkeys(wanted), dict.fromkeys(found)
    result = []
    for one, other in candidates:
        if one in gold_left and other in predicted_left:
            result.append(Pair(one, other))
            del gold_left[one], predicted_left[other]
    result += [Pair(entity, None) for entity in gold_left]
    return result + [Pair(None, entity) for entity in predicted_left]


def _overlapping(gold: list[Entity], predicted: list[Entity]) -> Iterator[tuple[Entity, Entity]]:
    """Pairs that share a character; both lists sorted, nested entities allowed."""
    first = 0
    for entity in gold:
        while first < len(predicted) and predicted[first].end <= entity.start:
            first += 1
        for other in predicted[first:]:
            if other.start >= entity.end:
                break
            if entity.overlaps(other):
                yield entity, other


def _rank(gold: Entity, predicted: Entity) -> tuple[int, int, int, int, int]:
    apart = int(_span(gold) != _span(predicted))
    shared = min(gold.end, predicted.end) - max(gold.start, predicted.start)
    return (apart, int(gold.label != predicted.label), -shared, gold.start, predicted.start)


def _span(entity: Entity) -> tuple[int, int]:
    return entity.start, entity.end
