"""Which characters of a word its pieces spell, where the tokenizer does not say.

Word and pieces are folded alike (compatibility forms, case, marks of continuation), each symbol
of the word knowing the character it came from. The pieces are then laid over the symbols, in
order, so that as little as possible is left over; an unknown piece covers what no neighbour
claims.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Range = tuple[int, int]
Costs = NDArray[np.floating[Any]]
Places = NDArray[np.int64]

_CONTINUATION = re.compile(r"^##(?=.)|^▁+|^Ġ|@@$|</w>$", re.DOTALL)
# What it costs to leave a symbol to no piece, to let a piece cover what it does not spell, to let
# an unknown one cover nothing, and to take a mark of continuation for text.
_SKIPPED, _MISSPELT, _EMPTY, _MARKED = 1.0, 2.0, 0.5, 0.1


def align(
    word: str, pieces: Sequence[str | None], *, marks: bool = True, controls: bool = True
) -> list[Range]:
    """The characters of `word` that each piece covers, as half-open ranges; None: unknown.

    Pieces of one character all cover it. Unknown pieces side by side, between which nothing
    tells the border, each cover all that is left to them. `marks` and `controls`: whether the
    tokenizer keeps accents, and control and format characters.
    """
    foldings = dict.fromkeys([(marks, controls), (marks, False), (False, False)])
    laid: list[tuple[float, list[Range]]] = []
    for folding in foldings:
        symbols, origin = _folded(word, *folding)
        spelt = [None if piece is None else _spellings(piece, *folding) for piece in pieces]
        cost, ranges = _lay(spelt, symbols)
        origin.append(len(word))
        laid.append((cost, [_characters(found, origin) for found in ranges]))
        if cost == 0:
            break
    return min(laid, key=lambda found: found[0])[1]


def _characters(symbols: Range, origin: Sequence[int]) -> Range:
    start, end = symbols
    return (origin[start], origin[end - 1] + 1 if start < end else origin[start])


def _spellings(piece: str, marks: bool, controls: bool) -> list[str]:
    """What a piece may stand for: without its mark of continuation; with it, if that is text."""
    return list(
        dict.fromkeys(
            _folded(name, marks, controls)[0] for name in (_CONTINUATION.sub("", piece), piece)
        )
    )


def _folded(text: str, marks: bool, controls: bool) -> tuple[str, list[int]]:
    """The text as tokenizers may have changed it, and the character each symbol came from."""
    symbols: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(text):
        canonical = unicodedata.normalize("NFD", character)
        for symbol in unicodedata.normalize("NFKD", character).casefold():
            kind = unicodedata.category(symbol)
            dropped = symbol.isspace()
            dropped |= not marks and kind == "Mn" and symbol in canonical
            dropped |= not controls and (kind[0] == "C" or symbol == "\ufffd")
            if not dropped:
                symbols.append(symbol)
                origin.append(place)
    return "".join(symbols), origin


def _lay(pieces: Sequence[list[str] | None], symbols: str) -> tuple[float, list[Range]]:
    """Lay the pieces over the symbols: the least cost, and the range of symbols of each."""
    if None not in pieces and "".join(piece[0] for piece in pieces if piece) == symbols:
        borders = np.cumsum([0, *(len(piece[0]) for piece in pieces if piece)]).tolist()
        return 0.0, list(pairwise(borders))
    places = np.arange(len(symbols) + 1)
    cost: Costs = places * _SKIPPED  # of having laid the pieces so far over the first symbols
    steps = []
    for piece in pieces:
        laid, begin, free = _laid(piece, symbols, cost, places)
        cost, end = _least_up_to(laid - places * _SKIPPED, places)
        cost = cost + places * _SKIPPED
        steps.append((begin, free, end))
    place, ranges, freely = len(symbols), [], []
    for begin, free, end in reversed(steps):
        stop = int(end[place])
        place = int(begin[stop])
        ranges.append((place, stop))
        freely.append(bool(free[stop]))
    return float(cost[-1]), _shared(ranges[::-1], freely[::-1])


def _laid(
    spellings: list[str] | None,
    symbols: str,
    cost: Costs,
    places: Places,
) -> tuple[Costs, Places, NDArray[np.bool_]]:
    """The least cost of the next piece's ending at each place, where it then begins, and whether
    it covers there what it does not spell."""
    least, begin = _least_up_to(cost, places)
    if spellings is None:
        laid = np.append(np.inf, least[:-1])  # at least one symbol
        begin = np.append(0, begin[:-1])
        begin = np.where(cost + _EMPTY < laid, places, begin)
        laid = np.minimum(laid, cost + _EMPTY)
    else:
        laid = least + _MISSPELT
    free = np.ones(len(places), np.bool_)
    for number, spelling in enumerate(spellings or ()):
        start = symbols.find(spelling)
        while start >= 0:
            end = start + len(spelling)
            price = cost[start] + number * _MARKED
            if price < laid[end]:
                laid[end], begin[end], free[end] = price, start, False
            start = symbols.find(spelling, start + 1)
    return laid, begin, free


def _least_up_to(cost: Costs, places: Places) -> tuple[Costs, Places]:
    """The least cost up to each place, and the last place that has it."""
    least = np.minimum.accumulate(cost)
    return least, np.maximum.accumulate(np.where(cost <= least, places, 0))


def _shared(ranges: list[Range], freely: list[bool]) -> list[Range]:
    """Pieces side by side that cover what they do not spell all cover what all of them do."""
    result, first = list(ranges), 0
    while first < len(ranges):
        behind = first + 1
        if freely[first]:
            while behind < len(ranges) and freely[behind]:
                behind += 1
            together = (ranges[first][0], ranges[behind - 1][1])
            result[first:behind] = [together] * (behind - first)
        first = behind
    return result
