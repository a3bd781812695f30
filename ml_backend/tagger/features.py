"""What the built-in encoder reads of a text: for each character its symbol and strings around it.

Everything is computed over whole batches with numpy, from the code points alone; nothing is
downloaded, and training and serving share it. Strings (n-grams, the word up to the character,
the word from it) are hashed to 64 bits; a vocabulary holds the hashes that training gold saw
often enough, so that an unseen string says nothing instead of colliding with a known one.
"""

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Hashes = NDArray[np.uint64]

_GAP = 4  # separators between texts: as far as any string reaches
_SEPARATOR = 1 << 24
_MULTIPLIER = 0x9E3779B97F4A7C15 | 1
_INVERSE = pow(_MULTIPLIER, -1, 1 << 64)

# Strings by the places of their first and last character, relative to the character described.
NGRAMS = ((-1, 0), (0, 1), (-2, 0), (-1, 1), (0, 2), (-2, 1), (-1, 2))
STRINGS = len(NGRAMS) + 2  # and the word's characters up to this one, and from this one on
CLASSES = ["other", "hangul", "han", "kana", "latin", "digit", "space", "mark", "symbol", "jamo"]


@dataclass(frozen=True, slots=True)
class RawFeatures:
    """Of a batch's characters in a row: symbol, class, and hashes of strings.

    Shapes: symbols (all,), classes (all,), strings (all, STRINGS).
    """

    symbols: Codes
    classes: Codes
    strings: Hashes


def read(texts: Sequence[str]) -> RawFeatures:
    """The features of every character of every text, one text after the other."""
    codes, inside = _row(texts)
    symbols, folded, classes = _looked_up(codes)
    power, inverse = _powers(len(codes))
    # substring hash: a difference of running sums, shifted back to place zero
    running = np.concatenate([np.zeros(1, np.uint64), np.cumsum(_spread(folded) * power)])

    def string(first: Codes, last: Codes, salt: int) -> Hashes:
        value = (running[last + 1] - running[first]) * inverse[first]
        return _mixed(value + np.uint64(salt))

    here = np.flatnonzero(inside)
    word_start, word_end = _words(codes, classes)
    hashes = [
        string(here + first, here + last, (last - first) * 16 + first + 8) for first, last in NGRAMS
    ]
    hashes.append(string(word_start[here], here, 1001))
    hashes.append(string(here, word_end[here], 1002))
    return RawFeatures(symbols[here], classes[here], np.stack(hashes, axis=1))


def symbols(texts: Sequence[str]) -> Codes:
    """The symbol alone of every character of every text, one text after the other, (all,)."""
    codes, inside = _row(texts)
    return _looked_up(codes)[0][inside]


def _row(texts: Sequence[str]) -> tuple[Codes, NDArray[np.bool_]]:
    """The texts' code points in one row with separators around, and which are characters."""
    gap = np.full(_GAP, _SEPARATOR, np.int64)
    parts: list[Codes] = [gap]
    inside: list[NDArray[np.bool_]] = [np.zeros(_GAP, np.bool_)]
    for text in texts:
        raw = text.encode("utf-32-le", "surrogatepass")
        parts += [np.frombuffer(raw, "<u4").astype(np.int64), gap]
        inside += [np.ones(len(text), np.bool_), np.zeros(_GAP, np.bool_)]
    return np.concatenate(parts), np.concatenate(inside)


def _words(codes: Codes, classes: Codes) -> tuple[Codes, Codes]:
    """For each place the first and the last place of its word, the run between white space."""
    apart = (classes == CLASSES.index("space")) | (codes == _SEPARATOR)
    places = np.arange(len(codes))
    begins = apart | np.concatenate([[True], apart[:-1]])
    ends = apart | np.concatenate([apart[1:], [True]])
    start = np.maximum.accumulate(np.where(begins, places, 0))
    end = np.minimum.accumulate(np.where(ends, places, len(codes))[::-1])[::-1]
    return start, end


# One row for each code point, filled as characters are met: symbol, folded symbol, class.
_TABLE = np.full((3, sys.maxunicode + 1), -1, np.int32)


def _looked_up(codes: Codes) -> tuple[Codes, Codes, Codes]:
    real = np.where(codes == _SEPARATOR, 0, codes)
    new = np.unique(real[_TABLE[2, real] < 0])
    for code in new.tolist():
        _TABLE[:, code] = _described(chr(code))
    symbols, folded, classes = _TABLE[:, real].astype(np.int64)
    apart = codes == _SEPARATOR
    symbols[apart] = folded[apart] = _SEPARATOR
    classes[apart] = 0
    return symbols, folded, classes


def _described(character: str) -> tuple[int, int, int]:
    """The character's own symbol, its symbol inside strings (digits alike), and its class."""
    plain = unicodedata.normalize("NFKC", character).lower()
    symbol = ord(plain) if len(plain) == 1 else ord(character)
    folded = ord("0") if chr(symbol).isdecimal() else symbol
    return symbol, folded, CLASSES.index(_class(chr(symbol)))


def _class(character: str) -> str:
    code, category = ord(character), unicodedata.category(character)
    if 0xAC00 <= code <= 0xD7A3:
        return "hangul"
    if 0x1100 <= code <= 0x11FF or 0x3130 <= code <= 0x318F:
        return "jamo"
    if 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or code >= 0x20000:
        return "han"
    if 0x3040 <= code <= 0x30FF:
        return "kana"
    if character.isspace() or category in ("Cf", "Cc"):
        return "space"
    if category in ("Nd", "Nl", "No"):
        return "digit"
    if category.startswith("L"):
        return "latin"
    if category.startswith("P"):
        return "mark"
    return "symbol" if category.startswith("S") else "other"


def _powers(length: int) -> tuple[Hashes, Hashes]:
    def powers(base: int) -> Hashes:
        factors = np.full(length + 1, base, np.uint64)
        factors[0] = 1
        return np.cumprod(factors)

    return powers(_MULTIPLIER)[:-1], powers(_INVERSE)


def _spread(symbols: Codes) -> Hashes:
    return _mixed(symbols.astype(np.uint64) + np.uint64(1))


def _mixed(value: Hashes) -> Hashes:
    """The finaliser of splitmix64: every bit of the input reaches every bit of the output."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
