"""Which symbols a tagger knows: numbered from 1, 0 for the unknown; counted in arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ml_backend.tagger.features import read

UNKNOWN = 0
_CHUNK = 500  # texts read at once while counting
_MERGE = 1 << 22  # counts gathered before they are added up


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Sorted known symbols, (known,); a symbol's number is its place plus one."""

    symbols: NDArray[np.int64]

    @classmethod
    def of(cls, texts: Sequence[str], *, least: int) -> Self:
        """The symbols that the texts hold at least so often."""
        counter = Counter()
        for part in chunks(len(texts)):
            counter.add(read(texts[part]).symbols)
        return cls(counter.frequent(least))

    def symbol_numbers(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Number of each character's symbol, one text after the other, (all,)."""
        return numbers(self.symbols, read(texts).symbols)


class Counter:
    """Counts of whole numbers, added up as they come, in arrays."""

    def __init__(self) -> None:
        self._values, self._counts = np.empty(0, np.int64), np.empty(0, np.int64)
        self._new: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []

    def add(self, values: NDArray[np.int64]) -> None:
        """Count every value of an array of any shape."""
        self._new.append(np.unique(values, return_counts=True))
        if sum(len(unique) for unique, _ in self._new) > len(self._values) + _MERGE:
            self._merge()

    def frequent(self, least: int, most: int | None = None) -> NDArray[np.int64]:
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


def numbers(known: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """Each value's place among the sorted known ones plus one, UNKNOWN where it is not there.

    Hashes are read as the signed numbers of the same bits.
    """
    values = values.view(np.int64)
    if not len(known):
        return np.zeros_like(values)
    places = np.searchsorted(known, values)
    places[places == len(known)] = 0
    return np.where(known[places] == values, places + 1, UNKNOWN)


def chunks(length: int) -> Iterator[slice]:
    """Slices of a list of so many texts, to be read one after the other."""
    return (slice(first, first + _CHUNK) for first in range(0, length, _CHUNK))
