"""64-bit hashes of all substrings of a row of code points, by numpy, each in constant time.

A substring's hash is a difference of running sums of scattered code points times powers of an odd
number, shifted back to place zero, so that it depends on the substring alone. The same on every
machine: saved taggers hold these hashes.
"""

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Hashes = NDArray[np.uint64]

_MULTIPLIER = 0x9E3779B97F4A7C15 | 1
_INVERSE = pow(_MULTIPLIER, -1, 1 << 64)


class Substrings:
    """Hashes of the substrings of one row of code points."""

    def __init__(self, codes: Codes):
        """`codes` (all,) are any numbers from 0."""
        scattered = mixed(codes.astype(np.uint64) + np.uint64(1)) * _powers(_MULTIPLIER, len(codes))
        self._sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(scattered)])
        self._inverse = _powers(_INVERSE, len(codes))

    def hashes(self, first: Codes, last: Codes, kind: int) -> Hashes:
        """Of the substrings from `first` to `last`, both included, of any one shape.

        Equal substrings of one kind have equal hashes; different kinds have different ones.
        """
        value = (self._sums[last + 1] - self._sums[first]) * self._inverse[first]
        return mixed(value + np.uint64(kind))


def mixed(value: Hashes) -> Hashes:
    """The finaliser of splitmix64: every bit of the input reaches every bit of the output."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def _powers(base: int, length: int) -> Hashes:
    """base ** 0 … base ** (length - 1), modulo 2 ** 64."""
    factors = np.full(length, base, np.uint64)
    factors[:1] = 1
    return np.cumprod(factors)
