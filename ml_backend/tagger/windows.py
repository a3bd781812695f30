"""Long texts in overlapping windows: nothing is cut off, and memory stays bounded.

A window owns the characters up to the middle of its overlap with the next. What windows find is
put together by three rules: an entity that a window's edge cut is joined with its rest in the next
window; what lies outside a window's own characters is left to the neighbour; and of two findings
that cannot both be true, the whole one stays, then the more probable one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ml_backend.contract.entity import Entity
from ml_backend.tagger.heads.head import Decoded

WINDOW, OVERLAP = 512, 128
_TINY = 1e-300  # what stands for a probability of 0 where a logarithm is taken


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


def inside(window: Window, start: int, end: int, length: int) -> float:
    """How far inside its window a part of a text lies; nothing is beyond the ends of a text."""
    front = start - window.start if window.start else math.inf
    return min(front, window.end - end if window.end < length else math.inf)


def merged(parts: Sequence[tuple[Window, Decoded]], *, nested: bool = False) -> Decoded:
    """One text's reading from those of its windows, in order; sorted, and apart unless `nested`."""
    if not parts:
        return Decoded([], 1.0, 1.0)
    if len(parts) == 1:
        return parts[0][1]
    entities = sorted(_settled(_findings(parts), nested))
    return Decoded(entities, _confidence(parts, entities), _nothing(parts))


@dataclass(frozen=True, slots=True)
class _Finding:
    """An entity of the text, as one window or several found it."""

    entity: Entity
    windows: frozenset[int]
    owned: bool  # by one of them, in part at least
    cut: bool  # by a window's edge
    margin: float  # how far inside its window it lies

    def goes_with(self, other: "_Finding", nested: bool) -> bool:
        """Whether both can be true."""
        mine, theirs = self.entity, other.entity
        if not mine.overlaps(theirs):
            return True
        if not nested:
            return False
        if self.windows & other.windows:
            return True  # one window holds both to be true
        inside = mine.start >= theirs.start and mine.end <= theirs.end
        around = mine.start <= theirs.start and mine.end >= theirs.end
        return (inside or around) and mine.label != theirs.label


def _findings(parts: Sequence[tuple[Window, Decoded]]) -> list[_Finding]:
    """What the windows found: the same thing once, and whole where it was cut."""
    found: dict[tuple[int, int, str], _Finding] = {}
    reaching: list[_Finding] = []  # the last window's end, beyond which they may go on
    for number, (window, decoded) in enumerate(parts):
        final = number == len(parts) - 1
        went_on, reaching = reaching, []
        for entity in decoded.entities:
            new = _finding(entity, window, number, final)
            for front in went_on if new.entity.start == window.start else ():
                if _is_rest(new.entity, front.entity):
                    found.pop(front.entity.key, None)
                    new = _joined(front, new, goes_on=not final and new.entity.end == window.end)
                    break
            if not final and new.entity.end == window.end:
                reaching.append(new)
            known = found.get(new.entity.key)
            found[new.entity.key] = new if known is None else _same(known, new)
    return list(found.values())


def _finding(entity: Entity, window: Window, number: int, final: bool) -> _Finding:
    start, end = entity.start + window.start, entity.end + window.start
    front = start - window.start if number else math.inf
    back = math.inf if final else window.end - end
    return _Finding(
        Entity(start, end, entity.label, entity.probability),
        frozenset([number]),
        owned=start < window.owned_end and end > window.owned,
        cut=not min(front, back),
        margin=min(front, back),
    )


def _is_rest(back: Entity, front: Entity) -> bool:
    """Whether the two go on in one another: neither window saw both ends."""
    return back.label == front.label and front.start <= back.start and front.end <= back.end


def _joined(front: _Finding, back: _Finding, *, goes_on: bool) -> _Finding:
    """The two halves of an entity that an edge cut; no more probable than either."""
    probability = min(_probability(front.entity), _probability(back.entity))
    entity = Entity(front.entity.start, back.entity.end, front.entity.label, probability)
    return _Finding(entity, front.windows | back.windows, True, goes_on, 0.0)


def _same(one: _Finding, other: _Finding) -> _Finding:
    """Two windows' finding, with the probability of the window in which it lies most inside."""
    best = max(one, other, key=lambda finding: finding.margin)
    return replace(
        best,
        windows=one.windows | other.windows,
        owned=one.owned or other.owned,
        cut=one.cut and other.cut,
    )


def _settled(findings: list[_Finding], nested: bool) -> Iterator[Entity]:
    """Those that stay: whole ones first, the more probable first."""
    for rivals in _overlapping([finding for finding in findings if finding.owned]):
        rivals.sort(key=lambda one: (one.cut, -_probability(one.entity), one.entity))
        kept: list[_Finding] = []
        for finding in rivals:
            if all(finding.goes_with(other, nested) for other in kept):
                kept.append(finding)
        yield from (finding.entity for finding in kept)


def _overlapping(findings: list[_Finding]) -> Iterator[list[_Finding]]:
    """In groups between which nothing overlaps."""
    group: list[_Finding] = []
    end = 0
    for finding in sorted(findings, key=lambda one: one.entity):
        if group and finding.entity.start >= end:
            yield group
            group, end = [], 0
        group.append(finding)
        end = max(end, finding.entity.end)
    if group:
        yield group


def _confidence(parts: Sequence[tuple[Window, Decoded]], entities: list[Entity]) -> float:
    """The probability of the whole reading.

    Windows overlap, so that their product would count doubts twice. Instead each entity's doubt
    is counted once; what a window doubts besides (that one is missing) is spread evenly over its
    characters, of which those that it owns count.
    """
    total = sum(math.log(max(_probability(entity), _TINY)) for entity in entities)
    for window, decoded in parts:
        besides = math.log(max(decoded.confidence, _TINY)) - sum(
            math.log(max(_probability(entity), _TINY)) for entity in decoded.entities
        )
        total += besides * share_owned(window)
    most = min((_probability(entity) for entity in entities), default=1.0)
    return min(math.exp(min(total, 0.0)), most)


def _nothing(parts: Sequence[tuple[Window, Decoded]]) -> float:
    """The probability that the text holds no entity, each window's by the share that it owns."""
    return math.exp(
        sum(
            math.log(max(decoded.nothing, _TINY)) * share_owned(window) for window, decoded in parts
        )
    )


def share_owned(window: Window) -> float:
    """How much of a window it owns."""
    return (window.owned_end - window.owned) / (window.end - window.start)


def _probability(entity: Entity) -> float:
    return 1.0 if entity.probability is None else entity.probability
