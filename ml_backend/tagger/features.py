"""What the built-in encoder reads of a text: for each character its symbol and strings around it.

Everything is computed over whole batches with numpy, from the code points alone; nothing is
downloaded, and training and serving share it. Strings (n-grams, words, what stands before and
after) are hashed to 64 bits and looked up by their hash, so that an unseen string says nothing
instead of colliding with a known one.
"""

import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_backend.tagger.hashing import Codes, Hashes, Substrings

_GAP = 4  # separators between texts: as far as any n-gram reaches
_SEPARATOR = 1 << 24

# n-grams by the places of their first and last character, relative to the character described
NGRAMS = (
    *((0, 0), (-1, 0), (0, 1), (-2, 0), (-1, 1), (0, 2), (-2, 1), (-1, 2), (-3, 0), (0, 3)),
    *((-2, 2), (1, 2), (1, 3), (-2, -1), (-3, -1)),
)
WORD_STRINGS = 6
STRINGS = len(NGRAMS) + WORD_STRINGS
CLASSES = ["other", "hangul", "han", "kana", "latin", "digit", "space", "mark", "symbol", "jamo"]
JAMO = (20, 22, 29)  # numbers of a syllable's beginnings, middles and ends; 0 is none


@dataclass(frozen=True, slots=True)
class CharacterRow:
    """The characters of a batch of texts, one text after the other.

    Shapes: symbols (all,), classes (all,), text (all,) the number of each character's text,
    lengths (texts,).
    """

    symbols: Codes
    classes: Codes
    text: Codes
    lengths: Codes
    _places: Codes  # (all,) of the characters in what follows, which has gaps between texts
    _apart: NDArray[np.bool_]  # white space and gaps
    _substrings: Substrings

    def strings(self) -> Hashes:
        """The strings around each character, (all, STRINGS).

        They are NGRAMS; the word's characters up to this one, and from this one on; the word
        before, the word after, the word itself; the word's last two characters with how far away
        they are. Words are runs between white space.
        """
        here, hashes = self._places, self._substrings.hashes
        start, end = _words(self._apart)
        found = [
            hashes(here + first, here + last, (last - first) * 16 + first + 8)
            for first, last in NGRAMS
        ]
        word, word_end = start[here], end[here]
        before = np.maximum(word - 2, 0)
        after = np.minimum(word_end + 2, len(self._apart) - 1)
        tail = hashes(np.maximum(word_end - 1, word), word_end, 1006)
        distance = np.minimum(word_end - here, 3).astype(np.uint64)
        found += [
            hashes(word, here, 1001),
            hashes(here, word_end, 1002),
            hashes(start[before], before, 1003),
            hashes(after, end[after], 1004),
            hashes(word, word_end, 1005),
            tail + distance * np.uint64(0x9E3779B97F4A7C15),
        ]
        return np.stack(found, axis=1)

    def substrings(self, longest: int) -> Hashes:
        """Those of 1 … `longest` characters that begin at each character, (all, longest).

        0 where the text ends before.
        """
        here = self._places
        left = np.repeat(np.cumsum(self.lengths), self.lengths) - np.arange(len(here))
        result = np.zeros((len(here), longest), np.uint64)
        for length in range(1, longest + 1):
            fits = left >= length
            first = here[fits]
            result[fits, length - 1] = self._substrings.hashes(first, first + length - 1, 2000)
        return result

    def jamo(self) -> Codes:
        """The numbers of each syllable's beginning, middle and end, (all, 3); 0 for no syllable."""
        syllable = self.symbols - 0xAC00
        parts = np.stack([syllable // 588, syllable % 588 // 28, syllable % 28], axis=1) + 1
        return np.where(((syllable >= 0) & (syllable < 11172))[:, None], parts, 0)


def read(texts: Sequence[str]) -> CharacterRow:
    """Every character of every text."""
    codes, inside = _row(texts)
    symbols, folded, classes = _looked_up(codes)
    lengths = np.array([len(text) for text in texts], np.int64)
    return CharacterRow(
        symbols[inside],
        classes[inside],
        np.repeat(np.arange(len(texts)), lengths),
        lengths,
        np.flatnonzero(inside),
        (classes == CLASSES.index("space")) | ~inside,
        Substrings(folded),
    )


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


def _words(apart: NDArray[np.bool_]) -> tuple[Codes, Codes]:
    """For each place the first and the last place of its word; what is apart is its own."""
    places = np.arange(len(apart))
    begins = apart | np.concatenate([[True], apart[:-1]])
    ends = apart | np.concatenate([apart[1:], [True]])
    start = np.maximum.accumulate(np.where(begins, places, 0))
    end = np.minimum.accumulate(np.where(ends, places, len(apart))[::-1])[::-1]
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
