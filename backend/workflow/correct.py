"""Stage 5: from what a person did in Label Studio to entities, and what they changed.

`clean` reads the regions of an annotation. A region counts only when there is exactly one way to
read it and a person can have seen it; everything else is left out or mended, and counted:

| count               | what was found                                | rule                      |
| ------------------- | --------------------------------------------- | ------------------------- |
| `not_a_region`      | not an object with a `value`                  | left out                  |
| `other_control`     | of another type or control than the `<Labels>`| left out                  |
| `not_whole_numbers` | start or end missing, or not a whole number   | left out                  |
| `reversed`          | start after end                               | left out                  |
| `empty`             | start equals end                              | left out                  |
| `out_of_range`      | begins before the text or ends after it       | left out                  |
| `no_label`          | no label at all                               | left out                  |
| `unknown_label`     | a label that the configuration does not have  | that label is dropped     |
| `several_labels`    | more than one known label on a region         | the first is kept         |
| `duplicate`         | the same span and label again                 | kept once                 |
| `overlap`           | shares characters with another entity         | the longest is kept; of   |
|                     |                                               | equals the first in text, |
|                     |                                               | then in the label set     |

Offsets are Label Studio's, which are ours: code points, end exclusive. `value.text` is not read.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_studio import TextControl


def clean(
    regions: Iterable[Any], text: str, control: TextControl
) -> tuple[list[Entity], dict[str, int]]:
    """The entities of an annotation's result, sorted and apart, and what was mended by name."""
    counts: Counter[str] = Counter()
    found: dict[Entity, None] = {}
    for region in regions:
        entity = _read_region(region, len(text), control, counts)
        if entity is None:
            continue
        if entity in found:
            counts["duplicate"] += 1
        else:
            found[entity] = None
    order = {label: number for number, label in enumerate(control.labels)}
    kept: list[Entity] = []
    for entity in sorted(found, key=lambda e: (e.start - e.end, e.start, order[e.label])):
        if any(entity.overlaps(other) for other in kept):
            counts["overlap"] += 1
        else:
            kept.append(entity)
    return sorted(kept, key=lambda e: e.key), dict(counts)


@dataclass(frozen=True, slots=True)
class Correction:
    """The difference between a prediction and what a person made of it, each entity counted once.

    predicted = kept + removed + moved + relabelled; final = kept + added + moved + relabelled.
    """

    kept: int = 0
    added: int = 0
    removed: int = 0
    moved: int = 0
    relabelled: int = 0

    @property
    def changed(self) -> bool:
        """Whether the person changed anything."""
        return bool(self.added or self.removed or self.moved or self.relabelled)

    def to_dict(self) -> dict[str, int]:
        """As JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Changes:
    """Which entities a correction kept, added, removed, moved (from, to) and relabelled."""

    kept: list[Entity]
    added: list[Entity]
    removed: list[Entity]
    moved: list[tuple[Entity, Entity]]
    relabelled: list[tuple[Entity, Entity]]


def compare(predicted: Sequence[Entity], final: Sequence[Entity]) -> Correction:
    """How many of the predicted entities became what: see `changes`."""
    found = changes(predicted, final)
    return Correction(
        len(found.kept),
        len(found.added),
        len(found.removed),
        len(found.moved),
        len(found.relabelled),
    )


def changes(predicted: Sequence[Entity], final: Sequence[Entity]) -> Changes:
    """What became of each predicted entity.

    Same span and label: kept. Same span, another label: relabelled. Same label, other boundaries
    that share characters: moved, the pair with most shared characters first. What changed both
    its boundaries and its label is no longer the same entity: removed and added.
    """
    old, new = set(predicted), set(final)
    kept = old & new
    old, new = old - kept, new - kept
    relabelled = _pair(old, new, lambda a, b: (a.start, a.end) == (b.start, b.end))
    moved = _pair(old, new, lambda a, b: a.label == b.label and a.overlaps(b))
    return Changes(_in_order(kept), _in_order(new), _in_order(old), moved, relabelled)


def corrected(predicted: Sequence[Entity], final: Sequence[Entity]) -> list[Entity]:
    """The entities that a person added, moved or relabelled: those that were not predicted so."""
    return sorted(set(final) - set(predicted))


def _in_order(entities: Iterable[Entity]) -> list[Entity]:
    return sorted(entities, key=lambda entity: entity.key)


def _read_region(
    region: Any, length: int, control: TextControl, counts: Counter[str]
) -> Entity | None:
    value = region.get("value") if isinstance(region, dict) else None
    if not isinstance(value, dict):
        counts["not_a_region"] += 1
        return None
    names = (region.get("type"), region.get("from_name"), region.get("to_name"))
    if names != ("labels", control.from_name, control.to_name):
        counts["other_control"] += 1
        return None
    start, end = value.get("start"), value.get("end")
    if type(start) is not int or type(end) is not int:
        counts["not_whole_numbers"] += 1
        return None
    wrong = _wrong_offsets(start, end, length)
    if wrong:
        counts[wrong] += 1
        return None
    label = _read_label(value.get("labels"), control, counts)
    return None if label is None else Entity(start, end, label)


def _wrong_offsets(start: int, end: int, length: int) -> str | None:
    if start > end:
        return "reversed"
    if start < 0 or end > length:
        return "out_of_range"
    return "empty" if start == end else None


def _read_label(labels: Any, control: TextControl, counts: Counter[str]) -> str | None:
    names = labels if isinstance(labels, list) else []
    if not names:
        counts["no_label"] += 1
        return None
    known = [name for name in names if isinstance(name, str) and name in control.labels]
    if len(known) < len(names):
        counts["unknown_label"] += len(names) - len(known)
    distinct = list(dict.fromkeys(known))
    if len(distinct) > 1:
        counts["several_labels"] += 1
    return distinct[0] if distinct else None


def _pair(
    old: set[Entity], new: set[Entity], matches: Callable[[Entity, Entity], bool]
) -> list[tuple[Entity, Entity]]:
    """Take matching pairs out of both sets and return them, most shared characters first."""
    pairs = sorted(
        ((a, b) for a in old for b in new if matches(a, b)),
        key=lambda pair: (
            max(pair[0].start, pair[1].start) - min(pair[0].end, pair[1].end),
            pair[0].key,
            pair[1].key,
        ),
    )
    taken = []
    for a, b in pairs:
        if a in old and b in new:
            old.remove(a)
            new.remove(b)
            taken.append((a, b))
    return taken
