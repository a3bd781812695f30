"""Which symbols and strings a tagger knows: numbered from 1, 0 for the unknown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_backend.tagger.features import RawFeatures, read, symbols

UNKNOWN = 0
_CHUNK = 500  # texts read at once while counting
_MERGE = 1 << 22  # counts gathered before they are added up


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Sorted known symbols and string hashes; a feature's number is its place plus one."""

    symbols: NDArray[np.int64]
    strings: NDArray[np.int64]  # the hashes' bits, read as signed

    @classmethod
    def of(
        cls, texts: Sequence[str], *, least_symbols: int, least_strings: int, most_strings: int
    ) -> "Vocabulary":
        """Count over training texts; the most frequent strings stay when there are too many."""
        symbols, strings = _Counter(), _Counter()
        for first in range(0, len(texts), _CHUNK):
            features = read(texts[first : first + _CHUNK])
            symbols.add(features.symbols)
            strings.add(features.strings.view(np.int64).ravel())
        return cls(
            symbols.frequent(least_symbols, None), strings.frequent(least_strings, most_strings)
        )

    def joined(self, other: "Vocabulary") -> "Vocabulary":
        """What either knows."""
        return Vocabulary(
            np.union1d(self.symbols, other.symbols), np.union1d(self.strings, other.strings)
        )

    def numbers(
        self, features: RawFeatures
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Numbers of the symbols (all,), the classes (all,) and the strings (all, STRINGS)."""
        strings = features.strings.view(np.int64)
        return (
            _places(self.symbols, features.symbols),
            features.classes,
            _places(self.strings, strings.ravel()).reshape(strings.shape),
        )

    def symbol_numbers(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Number of each character's symbol, one text after the other, (all,)."""
        return _places(self.symbols, symbols(texts))


class _Counter:
    """Counts of whole numbers, added up as they come, in arrays."""

    def __init__(self) -> None:
        self._values, self._counts = np.empty(0, np.int64), np.empty(0, np.int64)
        self._new: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def add(self, values: NDArray[np.int64]) -> None:
        self._new.append(np.unique(values, return_counts=True))
        if sum(len(unique) for unique, _ in self._new) > len(self._values) + _MERGE:
            self._merge()

    def frequent(self, least: int, most: int | None) -> NDArray[np.int64]:
        """The values seen at least so often, sorted; the most frequent when they are too many."""
        self._merge()
        kept = self._counts >= least
        values, counts = self._values[kept], self._counts[kept]
        if most is not None and len(values) > most:
            values = np.sort(values[np.argsort(-counts, kind="stable")[:most]])
        return values

    def _merge(self) -> None:
        new = [(self._values, self._counts), *self._new]
        self._values, place = np.unique(
            np.concatenate([values for values, _ in new]), return_inverse=True
        )
        weights = np.concatenate([counts for _, counts in new])
        self._counts = np.zeros(len(self._values), np.int64)
        np.add.at(self._counts, place, weights)
        self._new = []


def _places(known: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(known):
        return np.zeros_like(values)
    places = np.searchsorted(known, values)
    places[places == len(known)] = 0
    return np.where(known[places] == values, places + 1, UNKNOWN)
