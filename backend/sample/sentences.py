"""Templates made ready to be filled: read once, then filled half a million times."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

from backend.sample.lexicon import Mention, label_of
from backend.sample.particles import FORMS
from backend.sample.templates import PLAIN, SLOTS, TEST, TRAIN

Part = Literal["train", "test"]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a mention, its particle's form by coda, and the text up to the next place."""

    kind: str
    label: str
    particle: tuple[str, str, str]
    after: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template with its choices made: text, then slots."""

    start: str
    slots: tuple[Slot, ...]


Span = tuple[int, int, str]
Draw = Callable[[str], Mention]


def fill(sentence: Sentence, draw: Draw, *, offset: int) -> tuple[str, list[Span]]:
    """The sentence's text with a mention from ``draw`` in each slot, and their spans.

    Spans are (start, end, label), code points, half-open, counted from ``offset`` characters
    before the sentence.
    """
    parts = [sentence.start]
    spans = []
    position = offset + len(sentence.start)
    for slot in sentence.slots:
        surface, coda = draw(slot.kind)
        end = position + len(surface)
        spans.append((position, end, slot.label))
        tail = slot.particle[coda] + slot.after
        parts += (surface, tail)
        position = end + len(tail)
    return "".join(parts), spans


def plain(part: Part, rng: random.Random) -> str:
    """A sentence without a mention."""
    return "".join(rng.choice(column.split("|")) for column in PLAIN[part])


@cache
def sentences(part: Part) -> dict[str, tuple[tuple[Sentence, ...], ...]]:
    """For each topic its templates, and of each template one Sentence for each way to choose."""
    topics = TRAIN if part == "train" else TEST
    return {
        topic: tuple(
            tuple(_read(text) for text in _choices(line)) for line in lines.split("\n")[1:-1]
        )
        for topic, lines in topics.items()
    }


def _choices(line: str) -> Iterator[str]:
    """Every reading of ``a (b|c) d``; a bracket without a bar is only a bracket."""
    pieces = re.split(r"\(([^()]*\|[^()]*)\)", line)
    for choice in product(*(piece.split("|") for piece in pieces)):
        yield "".join(choice)


def _read(text: str) -> Sentence:
    start, *rest = re.split(r"\{([^}]*)\}", text)
    slots = []
    for name, after in zip(rest[::2], rest[1::2], strict=True):
        short, *ending = name.split("+")
        mark = ending[0] if len(ending) == 2 else ""
        vowel, consonant, rieul = FORMS[ending[-1]] if ending else ("", "", "")
        kind = SLOTS[short]
        particle = (mark + vowel, mark + consonant, mark + rieul)
        slots.append(Slot(kind, label_of(kind), particle, after))
    return Sentence(start, tuple(slots))
