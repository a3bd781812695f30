"""Products of vectors as few numbers: a random projection of tensors that are never written out.

The gradient of a linear layer is a sum of outer products, of ten thousands of numbers for each
text. Projecting the factors and multiplying the projections keeps inner products and distances in
expectation (Sun, Guo, Tropp & Udell 2018, arXiv:2105.00105), at the price of the factors alone.
"""

from functools import lru_cache

import torch
from torch import Tensor

SIZE = 256


class Sketch:
    """Projects with signs drawn by a seed: the same for all texts, other ones for another seed."""

    def __init__(self, seed: int = 0, size: int = SIZE):
        self.seed, self.size = seed, size

    def product(self, *factors: Tensor) -> Tensor:
        """The outer products of the factors' rows, projected: (n, a), (n, b), … to (n, size).

        The inner product of two results is, in expectation, that of the outer products.
        """
        result = factors[0].new_full((), self.size**-0.5)
        for place, factor in enumerate(factors):
            result = result * (
                factor @ _signs(self.seed, place, factor.size(1), self.size).to(factor)
            )
        return result


@lru_cache(maxsize=32)
def _signs(seed: int, place: int, rows: int, columns: int) -> Tensor:
    """1 and -1, (rows, columns)"""
    generator = torch.Generator().manual_seed((seed << 8) + place)
    with torch.inference_mode(False):
        return torch.randint(0, 2, (rows, columns), generator=generator).float() * 2 - 1
