"""Text with its entities coloured by label and what differs marked, for `_text.html` to draw.

Entities may overlap: those inside another are nested in it, and one that crosses the end of another
is cut there into two pieces, of which the last bears the label.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

COLOURS = 12  # classes `colour-0` … in static/text.css
EDGE = "…"

# what differs → the sign before its label and the word for it: never told by colour alone
DIFFERENCES: Mapping[str, tuple[str, LazyString]] = {
    "added": ("+", _l("added")),
    "removed": ("−", _l("removed")),
    "moved": ("↔", _l("moved")),
    "relabelled": ("≠", _l("relabelled")),
    "left_out": ("−", _l("left out")),
    "missed": ("−", _l("missed")),
    "spurious": ("+", _l("spurious")),
    "boundary": ("↔", _l("other boundaries")),
    "label": ("≠", _l("another label")),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """An entity as a page shows it: code points `[start, end)` of the text.

    `difference` is a key of `DIFFERENCES`, or empty; `note` stands after the label, such as a
    probability.
    """

    start: int
    end: int
    label: str
    difference: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text that is marked: an entity, or changed characters where it has no label.

    A piece that was cut does not begin or does not end its entity.
    """

    label: str
    colour: str  # a CSS class
    difference: str
    note: str
    begins: bool
    ends: bool
    parts: "list[str | Piece]"

    @property
    def sign(self) -> str:
        """The sign of what differs; empty where nothing does."""
        return DIFFERENCES[self.difference][0] if self.difference else ""

    @property
    def told(self) -> LazyString | str:
        """What differs, in words."""
        return DIFFERENCES[self.difference][1] if self.difference else ""


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    shown: Shown | None  # None for changed characters
    begins: bool = True
    ends: bool = True


def coloured(
    text: str,
    entities: Iterable[Shown],
    labels: Sequence[str],
    *,
    changed: Iterable[tuple[int, int]] = (),
    within: tuple[int, int] | None = None,
) -> list[str | Piece]:
    """The text as plain strings and marked pieces, which hold strings and pieces themselves.

    `labels` are the project's: a label has the same colour on every page. `changed` are ranges of
    characters that another text does not have. `within` cuts the text to a range, and what it cuts
    off is told by an ellipsis. Raises ValueError for an entity outside of the text.
    """
    spans = [_Span(one.start, one.end, one) for one in entities]
    spans += [_Span(start, end, None) for start, end in changed]
    for span in spans:
        if not 0 <= span.start < span.end <= len(text):
            raise ValueError(f"[{span.start}, {span.end}) is not in a text of {len(text)}")
    start, end = within or (0, len(text))
    parts = _nested(text, start, end, [one for span in spans for one in _cut(span, start, end)])
    colours = {label: number for number, label in enumerate(labels)}
    drawn = [_piece(part, colours) for part in parts]
    return [*([EDGE] if start > 0 else []), *drawn, *([EDGE] if end < len(text) else [])]


def shown(records: Iterable[Mapping[str, Any]]) -> list[Shown]:
    """Entities as they are kept in tables, nothing marked."""
    return [Shown(one["start"], one["end"], one["label"]) for one in records]


def around(text: str, ranges: Iterable[tuple[int, int]], margin: int = 60) -> tuple[int, int]:
    """The range of a text that holds all of these and some characters around; for `within`.

    The whole text where there are none.
    """
    found = list(ranges)
    if not found:
        return 0, len(text)
    first, last = min(start for start, _ in found), max(end for _, end in found)
    return max(0, first - margin), min(len(text), last + margin)


def colour_of(label: str, labels: Sequence[str]) -> str:
    """The CSS class of a label's colour."""
    return _colour(label, {one: number for number, one in enumerate(labels)})


def legend(differences: Iterable[str]) -> list[tuple[str, LazyString]]:
    """The signs of these differences and what they mean, in the order of `DIFFERENCES`."""
    wanted = set(differences)
    return [told for name, told in DIFFERENCES.items() if name in wanted]


_Part = str | tuple[_Span, "list[_Part]"]


def _cut(span: _Span, start: int, end: int) -> list[_Span]:
    """What of a span lies within a range; nothing, or one span."""
    left, right = max(span.start, start), min(span.end, end)
    if left >= right:
        return []
    begins, ends = span.begins and left == span.start, span.ends and right == span.end
    return [replace(span, start=left, end=right, begins=begins, ends=ends)]


def _nested(text: str, start: int, end: int, spans: list[_Span]) -> list[_Part]:
    """A range of the text with its spans, longer ones around shorter ones."""
    parts: list[_Part] = []
    at = start
    waiting = sorted(spans, key=lambda one: (one.start, -one.end, one.shown is None))
    while waiting:
        outer, *rest = waiting
        overlapping = [one for one in rest if one.start < outer.end]
        inside = [cut for one in overlapping for cut in _cut(one, outer.start, outer.end)]
        beyond = [cut for one in overlapping for cut in _cut(one, outer.end, end)]
        if at < outer.start:
            parts.append(text[at : outer.start])
        parts.append((outer, _nested(text, outer.start, outer.end, inside)))
        at = outer.end
        waiting = sorted(
            [*beyond, *rest[len(overlapping) :]],
            key=lambda one: (one.start, -one.end, one.shown is None),
        )
    if at < end:
        parts.append(text[at:end])
    return parts


def _piece(part: _Part, colours: Mapping[str, int]) -> str | Piece:
    if isinstance(part, str):
        return part
    span, inner = part
    parts = [_piece(one, colours) for one in inner]
    one = span.shown
    if one is None:
        return Piece("", "", "", "", span.begins, span.ends, parts)
    colour = _colour(one.label, colours)
    return Piece(one.label, colour, one.difference, one.note, span.begins, span.ends, parts)


def _colour(label: str, colours: Mapping[str, int]) -> str:
    number = colours.get(label, crc32(label.encode()))
    return f"colour-{number % COLOURS}"
