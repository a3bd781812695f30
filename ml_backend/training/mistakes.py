"""What kind of mistakes a tagger makes: labels confused, borders missed, entities not seen.

Gold and predicted entities of a text are paired one to one: first those of the same span, then
those that overlap, of one label before others and longer overlaps before shorter.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ml_backend.contract.entity import Entity
from ml_backend.contract.scoring import Documents


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


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Pairs by kind, and the confusion of labels over equal spans.

    Of a label, `confusion` along its row and `missed` add up to its gold entities, `confusion`
    down its column and `spurious` to its predicted ones: a wrong border counts in both.
    """

    kinds: dict[Kind, int]
    confusion: Counter[tuple[str, str]]  # gold label, predicted label
    missed: Counter[str]  # gold labels of spans that were not predicted
    spurious: Counter[str]  # predicted labels of spans that are not in gold

    def to_dict(self) -> dict[str, Any]:
        """As JSON; confusion as a list, the most frequent first."""
        return {
            "kinds": {kind.value: count for kind, count in self.kinds.items()},
            "confusion": [
                {"gold": gold, "predicted": predicted, "count": count}
                for (gold, predicted), count in sorted(
                    self.confusion.items(), key=lambda item: (-item[1], item[0])
                )
            ],
            "missed": dict(sorted(self.missed.items())),
            "spurious": dict(sorted(self.spurious.items())),
        }


def mistakes(gold: Documents, predicted: Documents) -> Mistakes:
    """Count over documents; both in the same order."""
    kinds = dict.fromkeys(Kind, 0)
    confusion: Counter[tuple[str, str]] = Counter()
    missed: Counter[str] = Counter()
    spurious: Counter[str] = Counter()
    for wanted, found in zip(gold, predicted, strict=True):
        for pair in pairs(wanted, found):
            kinds[pair.kind] += 1
            if pair.gold and pair.predicted and pair.kind in (Kind.RIGHT, Kind.LABEL):
                confusion[pair.gold.label, pair.predicted.label] += 1
                continue
            if pair.gold:
                missed[pair.gold.label] += 1
            if pair.predicted:
                spurious[pair.predicted.label] += 1
    return Mistakes(kinds, confusion, missed, spurious)


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
