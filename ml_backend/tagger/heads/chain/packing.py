"""A padded batch without its padding: what a chain runs over.

The order is that of torch's PackedSequence: all first positions, then all second ones and so on,
the longest text first among each. A step of a chain then takes a slice, the texts that have ended
cost nothing, and no padding can be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

_BLOCK = 1024  # rows; of a hundred tags they take half a megabyte


@dataclass(frozen=True, slots=True)
class Packing:
    """Where each position of each text lies; `total` is the sum of the lengths.

    `prior` leads from each row after the first `batch` ones to the row before it in its text.
    """

    sizes: list[int]  # texts that have a first, a second, … position
    rows: Tensor  # (total,) place in the flattened padded batch
    texts: Tensor  # (total,)
    prior: Tensor  # (total - batch,)
    offsets: Tensor  # (positions,) row of the longest text's position
    first: Tensor  # (batch,) row of each text's first position
    last: Tensor  # (batch,) row of each text's last position
    there: Tensor  # (batch, positions) bool: not padding
    lengths: Tensor  # (batch,)
    shape: tuple[int, int]  # (batch, positions) of the padded batch

    @classmethod
    def of(cls, lengths: Tensor, positions: int) -> "Packing":
        """Lay out texts of these lengths, each from 1 to `positions`; raises ValueError."""
        device, lengths = lengths.device, lengths.cpu()
        if not len(lengths) or lengths.min() < 1 or lengths.max() > positions:
            raise ValueError(f"lengths must lie in 1..{positions}, not {lengths.tolist()}")
        descending, order = lengths.sort(descending=True, stable=True)
        there = torch.arange(int(descending[0])).unsqueeze(1) < descending  # (positions, batch)
        sizes = there.sum(1)
        offsets = sizes.cumsum(0) - sizes
        position, rank = there.nonzero(as_tuple=True)  # (total,)
        ranks = order.argsort()
        later = slice(len(lengths), None)
        tensors = {
            "rows": order[rank] * positions + position,
            "texts": order[rank],
            "prior": offsets[position[later] - 1] + rank[later],
            "offsets": offsets,
            "first": ranks,
            "last": offsets[lengths - 1] + ranks,
            "there": torch.arange(positions) < lengths.unsqueeze(1),
            "lengths": lengths,
        }
        on_device = {name: x.to(device, non_blocking=True) for name, x in tensors.items()}
        return cls(sizes.tolist(), **on_device, shape=(len(lengths), positions))

    def row(self, texts: Tensor, positions: Tensor) -> Tensor:
        """Where positions of texts lie; each must be one that its text has."""
        return self.offsets[positions] + self.first[texts]

    def mirror(self) -> Tensor:
        """Where the position as far from a text's end as each is from its start lies, (total,)."""
        position = self.rows % self.shape[1]
        return self.row(self.texts, self.lengths[self.texts] - 1 - position)

    def pack(self, padded: Tensor) -> Tensor:
        """(batch, positions, ...) to (total, ...)"""
        return padded.flatten(0, 1).index_select(0, self.rows)

    def unpack(self, packed: Tensor) -> Tensor:
        """(total, ...) to (batch, positions, ...), zero in the padding."""
        batch, positions = self.shape
        padded = packed.new_zeros(batch * positions, *packed.shape[1:])
        padded.index_copy_(0, self.rows, packed)
        return padded.view(*self.shape, *packed.shape[1:])

    def running(self, packed: Tensor) -> Tensor:
        """The sum from each text's first position up to each: (total,) to (total,)."""
        return self.pack(self.unpack(packed).cumsum(1))

    def blocks(self, *packed: Tensor) -> Iterator[tuple[Tensor, ...]]:
        """Rows some at a time, few enough to stay in a core's cache while steps pass over them.

        First come the rows before them, `prior`, none for the block of all first positions.
        """
        batch, total = len(self.first), len(self.rows)
        most = _BLOCK if self.rows.device.type == "cpu" else total
        later = [most] * ((total - batch) // most) + [(total - batch) % most]
        prior = torch.split(self.prior, [0, *later])
        return zip(prior, *(torch.split(rows, [batch, *later]) for rows in packed), strict=True)
