"""Sketches of texts for the search of near copies: MinHash over character pairs, cut into bands.

Two texts are candidates when one band is equal, their digits are, and neither is much longer.
Pairs of characters rather than three: a change touches fewer of them, so that short sentences
with scattered changes still meet, and the digits in each key keep strangers apart.
"""

import math
import re
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from backend.workflow.duplicates.normal_form import normal_form

HASHES = 128
BITS = 4  # of each hash that are kept, to tell strangers without their texts
LENGTH_BITS = 16  # at the end of a key, so that a band's keys are sorted by length as well
LONGEST = (1 << LENGTH_BITS) - 1
_SEED = 20
_WORST_FOUND = 2 / 3  # of pairs just similar enough whose changes are as scattered as can be
_MINHASH_ROWS = 2000  # at a time: the lists that the library gives back stay in the cache
_DIGITS = re.compile(r"\d+")
_MIX = tuple(np.uint64(odd) for odd in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xBF58476D1CE4E5B9))

_as_bytes = partial(array, "Q")

Keys = NDArray[np.uint64]  # (bands, texts)
Bits = NDArray[np.uint64]  # (texts, BITS, HASHES / 64)
Hashes = NDArray[np.uint64]  # (anything,)


@dataclass(frozen=True, slots=True)
class Similarity:
    """What a near copy is: the edit similarity of normal forms from which on two texts are one."""

    threshold: float
    casefold: bool = False

    @property
    def shortest(self) -> int:
        """Characters below which one change is too many: such texts have exact copies only."""
        if self.threshold >= 1:
            return LONGEST
        return max(2, math.ceil(1 / (1 - self.threshold) - 1e-9))

    @property
    def _worst(self) -> float:
        """The Jaccard similarity of texts just similar enough whose changes lie scattered."""
        lost = 1 - self.threshold  # changes a character; each breaks two pairs in either text
        return max(0.0, (1 - 2 * lost) / (1 + 2 * lost))

    @property
    def band_rows(self) -> int:
        """Hashes a band: as many as still find the worst pairs, for the fewest strangers."""
        rows = range(8, 1, -1)
        enough = (r for r in rows if 1 - (1 - self._worst**r) ** (HASHES // r) >= _WORST_FOUND)
        return next(enough, 1)

    @property
    def agreeing(self) -> int:
        """Hashes whose last bits agree in near copies: of the worst, less three deviations."""
        share: float = self._worst + (1 - self._worst) / 2.0**BITS
        return math.floor(HASHES * share - 3 * math.sqrt(HASHES * share * (1 - share)))

    @property
    def bands(self) -> int:
        return HASHES // self.band_rows


@dataclass(frozen=True, slots=True)
class Sketches:
    """Texts long enough to have near copies: their place among those given, form and hashes."""

    places: NDArray[np.int64]  # (texts,)
    forms: list[str]
    keys: Keys
    bits: Bits


def digits(form: str) -> list[str]:
    """The runs of digits of a normal form: texts in which they differ are never near copies."""
    return _DIGITS.findall(form)


def sketch(texts: Sequence[str], similarity: Similarity) -> Sketches:
    """The sketches of those texts that are long enough."""
    forms = [normal_form(text, similarity.casefold) for text in texts]
    shortest = similarity.shortest
    places = [number for number, form in enumerate(forms) if len(form) >= shortest]
    forms = [forms[place] for place in places]
    parts = [
        _hashed(forms[start : start + _MINHASH_ROWS], similarity)
        for start in range(0, len(forms), _MINHASH_ROWS)
    ]
    keys, bits = _stacked(parts, similarity)
    return Sketches(np.array(places, np.int64), forms, keys, bits)


def joined(parts: Iterable[tuple[int, Sketches]], similarity: Similarity) -> Sketches:
    """The sketches of consecutive slices as one; each slice with the place where it begins."""
    found = list(parts)
    keys, bits = _stacked([(part.keys, part.bits) for _, part in found], similarity)
    places = [np.empty(0, np.int64), *(first + part.places for first, part in found)]
    forms = list(chain.from_iterable(part.forms for _, part in found))
    return Sketches(np.concatenate(places), forms, keys, bits)


def _stacked(parts: Sequence[tuple[Keys, Bits]], similarity: Similarity) -> tuple[Keys, Bits]:
    keys = np.empty((similarity.bands, 0), np.uint64)
    bits = np.empty((0, BITS, HASHES // 64), np.uint64)
    return (
        np.hstack([keys, *(part[0] for part in parts)]),
        np.vstack([bits, *(part[1] for part in parts)]),
    )


def _hashed(forms: Sequence[str], similarity: Similarity) -> tuple[Keys, Bits]:
    lengths = np.array([len(form) for form in forms], np.int64)
    rows, bands = similarity.band_rows, similarity.bands
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(
        _pair_hashes(forms, lengths), _offsets(lengths - 1), HASHES, _SEED
    )
    rows_of_bytes = b"".join(map(_as_bytes, matrix.to_rows()))  # numpy takes twice as long
    values = np.frombuffer(rows_of_bytes, np.uint64).reshape(-1, HASHES)  # (texts, hashes)
    keys = np.array([zlib.crc32(" ".join(digits(form)).encode()) for form in forms], np.uint64)
    keys = np.repeat(keys[:, None], bands, axis=1)  # (texts, bands)
    for row in range(rows):
        keys = _mixed(keys * _MIX[0] + values[:, row : rows * bands : rows])
    keys = (keys & ~np.uint64(LONGEST)) | np.minimum(lengths, LONGEST).astype(np.uint64)[:, None]
    planes = [
        np.packbits((values >> np.uint64(bit) & np.uint64(1)).astype(np.uint8), axis=1)
        for bit in range(BITS)
    ]
    return keys.T, np.stack(planes, axis=1).view(np.uint64)


def _pair_hashes(forms: Sequence[str], lengths: NDArray[np.int64]) -> Hashes:
    """A hash of every two characters that follow each other, text after text."""
    joined_up = "".join(forms).encode("utf-32-le", "surrogatepass")
    characters = np.frombuffer(joined_up, np.uint32).astype(np.uint64)
    pairs = _mixed(characters[:-1] * _MIX[0] + characters[1:] * _MIX[1])
    inside = np.ones(len(pairs), bool)
    inside[np.cumsum(lengths)[:-1] - 1] = False  # the last character of one, the next one's first
    hashes: Hashes = pairs[inside]
    return hashes


def _offsets(counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    ends: Hashes = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    return ends


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(29))) * _MIX[2]
    mixed: Hashes = values ^ (values >> np.uint64(32))
    return mixed
