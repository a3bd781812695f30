"""What a curator is asked about gold as one line of a list: the text there, what differs marked."""

from collections.abc import Iterable, Sequence

from flask_babel import LazyString

from backend.admin.charts.coloured import Piece, Shown, coloured, legend
from ml_backend.contract.pairing import Kind

BEFORE, SHOWN = 30, 160  # characters before what differs first, and of the line

DRAWN = {Kind.BOTH: "label"}
"""How texts mark a kind of difference, where not by its own name."""

Difference = tuple[Kind, Sequence[Shown], Sequence[Shown]]
"""A kind, gold's entities and those of the other side; one of the two may be empty."""


def line(text: str, differences: Sequence[Difference], labels: Sequence[str]) -> list[str | Piece]:
    """The text around what differs first; each difference says what the other side has for it."""
    marked = [one for each in differences for one in _marked(text, *each)]
    start = max(0, min((one.start for one in marked), default=0) - BEFORE)
    return coloured(text, marked, labels, within=(start, min(len(text), start + SHOWN)))


def drawn_legend(kinds: Iterable[str]) -> list[tuple[str, LazyString]]:
    """The signs by which texts mark these kinds."""
    return legend(DRAWN.get(Kind(kind), kind) for kind in kinds)


def _marked(text: str, kind: Kind, gold: Sequence[Shown], other: Sequence[Shown]) -> list[Shown]:
    note = ", ".join(_told(text, kind, one) for one in other) if gold else ""
    difference = DRAWN.get(kind, kind.value)
    return [
        Shown(one.start, one.end, one.label, difference, f"→ {note}" if note else "")
        for one in gold or other
    ]


def _told(text: str, kind: Kind, one: Shown) -> str:
    """What of an entity is not as gold has it."""
    string = text[one.start : one.end]
    return {Kind.LABEL: one.label, Kind.BOUNDARY: string}.get(kind, f"{string} {one.label}")
