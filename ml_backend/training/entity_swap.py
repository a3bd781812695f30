"""Entity swap: training texts in which entities stand for others of their label.

Contexts are learned with names that they never came with. A replacement is drawn from the
distinct surfaces of the label in training. Where Hangul follows directly, as a particle does, the
replacement ends as the original did, in a vowel, in ㄹ or in another consonant, so that 은/는,
이/가, 을/를, 과/와, (으)로 stay right and no character outside the entity changes.
"""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from ml_backend.contract.entity import Entity
from ml_backend.tagger.windows import WINDOW
from ml_backend.training.dataset import Example

# Whether the digits 0 to 9 end in a vowel, in ㄹ or in another consonant, read in Korean.
_DIGITS = (
    "consonant",
    "ㄹ",
    "vowel",
    "consonant",
    "vowel",
    "vowel",
    "consonant",
    "ㄹ",
    "ㄹ",
    "vowel",
)


class EntitySwap:
    """Swaps a share of the entities of examples.

    Nothing is remembered: the same seed, place and time (a batch's number) give the same swap.
    """

    def __init__(self, examples: Sequence[Example], share: float, *, seed: int):
        self._examples, self._share, self._seed = examples, share, seed
        surfaces = {
            (entity.label, one.text[entity.start : entity.end])
            for one in examples
            for entity in one.entities
        }
        self._by_label: dict[str, list[str]] = defaultdict(list)
        self._by_ending: dict[tuple[str, str], list[str]] = defaultdict(list)
        for label, surface in sorted(surfaces):
            self._by_label[label].append(surface)
            self._by_ending[label, ending(surface)].append(surface)

    def example(self, place: int, time: int) -> Example:
        """The example at a place as it is seen at a time; no longer than a window."""
        one = self._examples[place]
        if not self._share or not one.entities:
            return one
        rng = random.Random(f"swap {self._seed} {time} {place}")
        parts: list[str] = []
        entities: list[Entity] = []
        at = length = 0  # how far the original is copied, and how long the copy is
        spare = max(WINDOW - len(one.text), 0)
        for number, entity in enumerate(one.entities):
            surface = one.text[entity.start : entity.end]
            chosen = rng.random() < self._share and _alone(one.entities, number)
            new = rng.choice(self._candidates(one.text, entity)) if chosen else surface
            if len(new) - len(surface) > spare:
                new = surface
            spare -= len(new) - len(surface)
            if not chosen:
                entities.append(_moved(entity, length - at))
                continue
            before = one.text[at : entity.start]
            parts += [before, new]
            start = length + len(before)
            at, length = entity.end, start + len(new)
            entities.append(Entity(start, length, entity.label))
        return replace(one, text="".join([*parts, one.text[at:]]), entities=entities)

    def _candidates(self, text: str, entity: Entity) -> list[str]:
        if text[entity.end : entity.end + 1] and _is_syllable(text[entity.end]):
            return self._by_ending[entity.label, ending(text[entity.start : entity.end])]
        return self._by_label[entity.label]


def ending(surface: str) -> str:
    """How a surface ends for the particle after it: in a vowel, in ㄹ, in another consonant, or
    in something whose reading is not known, such as a Latin letter."""
    last = surface[-1]
    if _is_syllable(last):
        final = (ord(last) - 0xAC00) % 28
        return "vowel" if final == 0 else "ㄹ" if final == 8 else "consonant"
    return _DIGITS[int(last)] if last in "0123456789" else "unknown"


def _is_syllable(character: str) -> bool:
    return "가" <= character <= "힣"


def _alone(entities: Sequence[Entity], number: int) -> bool:
    """Whether an entity shares no character with another, which a swap would cut."""
    entity = entities[number]
    return not any(
        entity.overlaps(other) for place, other in enumerate(entities) if place != number
    )


def _moved(entity: Entity, by: int) -> Entity:
    return Entity(entity.start + by, entity.end + by, entity.label)
