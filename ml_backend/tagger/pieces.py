"""Which pieces cover which characters, over the texts of a batch laid out in one row.

White space at a piece's ends belongs to no piece. One character may be several pieces (bytes,
decomposed Hangul); a mark that was composed with the character before it belongs to that
character's pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_backend.tagger.composition import composes

Numbers = NDArray[np.int64]

NO_PIECE = -1
_SPACES = np.array([code for code in range(0x3001) if chr(code).isspace()], np.int64)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The pieces of several texts, one text after the other.

    `counts` (texts,) says how many each text has. `ids`, `starts`, `ends` are (pieces,); the
    half-open ranges count characters from the first text's first, and are empty for a piece that
    covers none.
    """

    ids: Numbers
    starts: Numbers
    ends: Numbers
    counts: Numbers


@dataclass(frozen=True, slots=True)
class Cover:
    """For each character of the row its first and its last piece, or NO_PIECE twice.

    `front` counts the characters between it and the first piece's start, `back` those between it
    and the last piece's end. All are (characters,).
    """

    first: Numbers
    last: Numbers
    front: Numbers
    back: Numbers


def row_starts(texts: Sequence[str]) -> Numbers:
    """Where each text begins in the row of all, (texts,)."""
    return np.cumsum([0, *(len(text) for text in texts)])[:-1]


def without_space(starts: Numbers, ends: Numbers, row: str) -> tuple[Numbers, Numbers]:
    """Ranges that neither begin nor end with white space; empty where there is nothing else."""
    codes = np.frombuffer(row.encode("utf-32-le", "surrogatepass"), "<u4")
    solid = np.flatnonzero(~np.isin(codes, _SPACES))
    after = np.searchsorted(solid, np.arange(len(codes) + 1))  # solid characters before a place
    onward, before = np.append(solid, len(codes))[after], np.append(0, solid + 1)[after]
    starts = np.minimum(onward[starts], ends)
    return starts, np.maximum(before[ends], starts)


def cover(pieces: Pieces, row: str) -> Cover:
    """Turn the pieces' ranges into what covers each character of the row."""
    here = np.arange(len(row))
    real = np.flatnonzero(pieces.starts < pieces.ends)
    if not len(real):
        nothing = np.full(len(row), NO_PIECE)
        return Cover(nothing, nothing, np.zeros_like(nothing), np.zeros_like(nothing))
    starts = np.maximum.accumulate(pieces.starts[real])
    ends = np.maximum.accumulate(pieces.ends[real])
    # both rise: the first piece to end behind a character, the last to begin at or before it
    first = np.minimum(np.searchsorted(ends, here, "right"), len(real) - 1)
    last = np.maximum(np.searchsorted(starts, here, "right") - 1, 0)
    covered = (starts[first] <= here) & (here < ends[last])
    for place in (np.flatnonzero(covered[:-1] & ~covered[1:]) + 1).tolist():
        while place < len(row) and not covered[place] and composes(row[place]):
            first[place] = last[place] = last[place - 1]
            covered[place], ends[last[place]] = True, place + 1
            place += 1
    return Cover(
        np.where(covered, real[first], NO_PIECE),
        np.where(covered, real[last], NO_PIECE),
        np.where(covered, here - starts[first], 0),
        np.where(covered, ends[last] - 1 - here, 0),
    )
