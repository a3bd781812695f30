"""Which symbols and strings a tagger knows: numbered from 1, 0 for the unknown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml_backend.tagger.features import RawFeatures, read

UNKNOWN = 0
_CHUNK = 500  # texts read at once while counting


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
        features = [read(texts[first : first + _CHUNK]) for first in range(0, len(texts), _CHUNK)]
        symbols = _frequent(np.concatenate([f.symbols for f in features]), least_symbols, None)
        hashes = np.concatenate([f.strings.view(np.int64).ravel() for f in features])
        return cls(symbols, _frequent(hashes, least_strings, most_strings))

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


def _frequent(values: NDArray[np.int64], least: int, most: int | None) -> NDArray[np.int64]:
    unique, counts = np.unique(values, return_counts=True)
    kept = counts >= least
    unique, counts = unique[kept], counts[kept]
    if most is not None and len(unique) > most:
        unique = np.sort(unique[np.argsort(-counts, kind="stable")[:most]])
    return unique


def _places(known: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    if not len(known):
        return np.zeros_like(values)
    places = np.searchsorted(known, values)
    places[places == len(known)] = 0
    return np.where(known[places] == values, places + 1, UNKNOWN)
