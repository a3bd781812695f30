"""Long texts in overlapping windows: nothing is cut off, and memory stays bounded.

A window owns the characters up to the middle of its overlap with the next. An entity belongs to
the window that owns its first character; where two windows disagree across a border, the more
probable entity stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ml_backend.contract.entity import Entity
from ml_backend.tagger.heads.head import Decoded

WINDOW, OVERLAP = 512, 128


@dataclass(frozen=True, slots=True)
class Window:
    """`text[start:end]` of one of several texts, which owns `[owned, owned_end)`."""

    text: int
    start: int
    end: int
    owned: int
    owned_end: int


def windows(text: int, length: int) -> Iterator[Window]:
    """Cover a text of `length` characters, given by its number; an empty text has no window."""
    start = owned = 0
    while owned < length:
        end = min(start + WINDOW, length)
        owned_end = length if end == length else end - OVERLAP // 2
        yield Window(text, start, end, owned, owned_end)
        start, owned = end - OVERLAP, owned_end


def merged(parts: Sequence[tuple[Window, Decoded]]) -> Decoded:
    """One text's reading from those of its windows, in order.

    The confidence is the product of the windows', as if they were independent.
    """
    if not parts:
        return Decoded([], 1.0)
    if len(parts) == 1:
        return parts[0][1]
    found: list[Entity] = []
    confidence = 1.0
    for window, decoded in parts:
        confidence *= decoded.confidence
        for entity in decoded.entities:
            start, end = entity.start + window.start, entity.end + window.start
            if not window.owned <= start < window.owned_end:
                continue
            moved = Entity(start, end, entity.label, entity.probability)
            if not found or found[-1].end <= start:
                found.append(moved)
            elif (moved.probability or 0.0) > (found[-1].probability or 0.0):
                found[-1] = moved
    return Decoded(found, confidence)
