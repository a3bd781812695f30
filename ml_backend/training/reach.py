"""Which gold a tagger could find at all: the ceiling that its labels, unit and head set."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.model import Model
from ml_backend.tagger.positions import Target, to_positions
from ml_backend.tagger.windows import Window, windows

_TEXTS = 256  # windows that are read together


class Barrier(StrEnum):
    """Why an entity is out of reach."""

    LABEL = "label"  # not one of the tagger's
    OVERLAP = "overlap"  # with an earlier one, which the head cannot give besides
    UNIT = "unit"  # begins or ends inside one of the head's positions
    WIDTH = "width"  # more positions than the head considers


@dataclass(frozen=True, slots=True)
class Reach:
    """How many gold entities there are, and how many are out of reach, by the first reason."""

    entities: int
    unreachable: dict[Barrier, int]

    @property
    def share(self) -> float:
        """The share of gold that can be found; 1 where there is none."""
        return 1 - sum(self.unreachable.values()) / self.entities if self.entities else 1.0

    def to_dict(self) -> dict[str, Any]:
        barriers = {barrier.value: count for barrier, count in self.unreachable.items()}
        return {"entities": self.entities, "share": self.share, "unreachable": barriers}


def reach(model: Model, documents: Sequence[GoldDocument]) -> Reach:
    """Count what the model could express of the documents' gold."""
    head = model.to_dict()["head"]
    max_width, nested = head.get("max_width"), head.get("nested", False)
    barriers: Counter[Barrier] = Counter()
    inside: list[tuple[str, list[Entity]]] = []  # a window's text, and its entities moved into it
    for document in documents:
        possible, barred = _single(document.entities, set(model.labels), nested)
        barriers += barred
        for window in windows(0, len(document.text)):
            owned = [e for e in possible if window.owned <= e.start < window.owned_end]
            if owned:
                text = document.text[window.start : window.end]
                inside.append((text, [_moved(entity, window) for entity in owned]))
    reader = model.encoder.reader()
    for first in range(0, len(inside), _TEXTS):
        chunk = inside[first : first + _TEXTS]
        places = reader.read([text for text, _ in chunk]).places
        for row, (_, entities) in enumerate(chunk):
            for entity in entities:
                reached = to_positions(Target([entity]), None if places is None else places[row])
                if not reached.entities:
                    barriers[Barrier.UNIT] += 1
                elif max_width is not None and _width(reached.entities[0]) > max_width:
                    barriers[Barrier.WIDTH] += 1
    total = sum(len(set(document.entities)) for document in documents)
    return Reach(total, {barrier: barriers[barrier] for barrier in Barrier if barriers[barrier]})


def _single(
    entities: Sequence[Entity], labels: set[str], nested: bool
) -> tuple[list[Entity], Counter[Barrier]]:
    """Entities of known labels of which the head can give all at once, and what is left."""
    kept: list[Entity] = []
    barred: Counter[Barrier] = Counter()
    for entity in sorted(set(entities)):
        if entity.label not in labels:
            barred[Barrier.LABEL] += 1
        elif any(_excludes(other, entity, nested) for other in kept):
            barred[Barrier.OVERLAP] += 1
        else:
            kept.append(entity)
    return kept, barred


def _excludes(one: Entity, other: Entity, nested: bool) -> bool:
    if not one.overlaps(other) or not nested:
        return one.overlaps(other)
    same = (one.start, one.end) == (other.start, other.end)
    holds = one.start <= other.start and other.end <= one.end
    held = other.start <= one.start and one.end <= other.end
    return same or not (holds or held)


def _moved(entity: Entity, window: Window) -> Entity:
    """Inside the window; what its edge cuts is joined with its rest when windows are merged."""
    end = min(entity.end, window.end)
    return Entity(entity.start - window.start, end - window.start, entity.label)


def _width(entity: Entity) -> int:
    return entity.end - entity.start
