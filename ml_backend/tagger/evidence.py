"""What the gold says of the strings around a character: how often it was begin, inside, outside.

A character's evidence is, for each of its strings, which kinds (outside, begin or inside of a
label) the characters with this string were in the gold, against what is usual. It is counted, not
learned by gradients; and while training, a text's own characters are left out of the counts, so
that the network learns how far they can be trusted on a text it has not seen, where they rest on
one or two occurrences too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.features import STRINGS, CharacterRow, read
from ml_backend.tagger.vocabulary import Counter, chunks, numbers

Floats = NDArray[np.float32]
Kinds = NDArray[np.int64]

_COUNT_SCALE = 0.25  # brings the logarithm of a count to the size of a share


@dataclass(frozen=True, slots=True)
class Evidence:
    """Counts of kinds for each known string.

    Shapes: strings (known,) sorted hashes, counts (known + 1, kinds) with a row of zeros for the
    unknown first, usual (kinds,) the shares among all characters. Kinds are outside, then begin
    and inside for each label.
    """

    labels: LabelSet
    strings: NDArray[np.int64]
    counts: Floats
    usual: Floats
    least: float  # occurrences of the rarest known string

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        gold: Sequence[Sequence[Entity]],
        labels: LabelSet,
        *,
        least: int,
        most: int,
    ) -> Self:
        """Count the strings seen at least so often; of too many the most frequent ones."""
        counter = Counter()
        for part in chunks(len(texts)):
            counter.add(read(texts[part]).strings().view(np.int64))
        strings = counter.frequent(least, most)
        width = 1 + 2 * len(labels)
        counts = np.zeros((len(strings) + 1) * width, np.int64)
        usual = np.zeros(width, np.int64)
        for part in chunks(len(texts)):
            row = read(texts[part])
            kinds = kinds_of(gold[part], row, labels)
            usual += np.bincount(kinds, minlength=width)
            cells = numbers(strings, row.strings()) * width + kinds[:, None]
            cell, times = np.unique(cells, return_counts=True)
            counts[cell] += times
        table = counts.reshape(-1, width).astype(np.float32)
        table[0] = 0
        shares = (usual / max(1, usual.sum())).astype(np.float32)
        return cls(labels, strings, table, shares, _least(table))

    def read(
        self, row: CharacterRow, own: Sequence[Sequence[Entity]] | None = None
    ) -> tuple[Floats, NDArray[np.int64]]:
        """The evidence on each distinct string of each text, and whose strings are which.

        Returns values (distinct + 1, kinds + 1), row 0 nothing but zeros, and places (all,
        STRINGS) of rows in it. With `own`, the gold that the texts had when it was counted, what
        each text itself added is taken away again.
        """
        known = numbers(self.strings, row.strings())
        pairs = row.text[:, None] * len(self.counts) + known
        distinct, places = np.unique(pairs, return_inverse=True)
        number = distinct % len(self.counts)
        counts = self.counts[number]
        if own is not None:
            width = counts.shape[1]
            cells = places.reshape(known.shape) * width + kinds_of(own, row, self.labels)[:, None]
            added = np.bincount(cells.ravel(), minlength=counts.size).reshape(counts.shape)
            added[number == 0] = 0
            counts = np.maximum(counts - added, 0).astype(np.float32)
            counts[counts.sum(1) < self.least] = 0  # the other texts alone would not know it
        seen = counts.sum(1, keepdims=True)
        beyond_usual = (counts - seen * self.usual) / (seen + 1)
        values = np.concatenate([beyond_usual, np.log1p(seen) * _COUNT_SCALE], axis=1)
        values = np.concatenate([np.zeros_like(values[:1]), values])
        return values.astype(np.float32), places.reshape(known.shape) + 1


def _least(counts: Floats) -> float:
    return float(counts[1:].sum(1).min(initial=np.inf))


def kinds_of(gold: Sequence[Sequence[Entity]], row: CharacterRow, labels: LabelSet) -> Kinds:
    """The kind of every character, (all,): 0 outside, 1 + 2 * label begin, 2 + 2 * label inside."""
    number = {label: place for place, label in enumerate(labels)}
    kinds = np.zeros(len(row.text), np.int64)
    starts = np.cumsum(row.lengths) - row.lengths
    for start, entities in zip(starts.tolist(), gold, strict=True):
        for entity in entities:
            kind = 1 + 2 * number[entity.label]
            kinds[start + entity.start] = kind
            kinds[start + entity.start + 1 : start + entity.end] = kind + 1
    return kinds


class EvidenceFeatures(nn.Module):
    """Evidence as a vector for each character; the counts live in buffers, as counted cells."""

    def __init__(self, known: int, cells: int, kinds: int, size: int, forget: float):
        """`known` strings with so many `cells` above zero; `forget` is the share of strings of
        which nothing is told in training."""
        super().__init__()
        self.kinds, self.forget = kinds, forget
        self.register_buffer("strings", torch.zeros(known, dtype=torch.long))
        self.register_buffer("cells", torch.zeros(cells, dtype=torch.long))
        self.register_buffer("counts", torch.zeros(cells, dtype=torch.int32))
        self.register_buffer("usual", torch.zeros(kinds))
        self.mix = nn.Linear(STRINGS * (kinds + 1), size)

    def hold(self, evidence: Evidence) -> None:
        """Take over these counts, of just this size."""
        table = evidence.counts.ravel()
        cells = np.flatnonzero(table)
        self.get_buffer("strings").copy_(torch.from_numpy(evidence.strings))
        self.get_buffer("cells").copy_(torch.from_numpy(cells))
        self.get_buffer("counts").copy_(torch.from_numpy(table[cells]))
        self.get_buffer("usual").copy_(torch.from_numpy(evidence.usual))

    def evidence(self, labels: LabelSet) -> Evidence:
        """The counts, as a table."""
        strings = self.get_buffer("strings").cpu().numpy()
        counts = np.zeros((len(strings) + 1, self.kinds), np.float32)
        counts.ravel()[self.get_buffer("cells").cpu().numpy()] = self.get_buffer("counts").cpu()
        usual = self.get_buffer("usual").cpu().numpy()
        return Evidence(labels, strings, counts, usual, _least(counts))

    def forward(self, values: Tensor, places: Tensor) -> Tensor:
        """Values (distinct + 1, kinds + 1) and places (..., STRINGS) of rows: (..., size)."""
        if self.training and self.forget:
            forgotten = torch.rand(places.shape, device=places.device) < self.forget
            places = places.masked_fill(forgotten, 0)
        told = functional.embedding(places, values)  # (..., STRINGS, kinds + 1)
        return functional.gelu(self.mix(told.flatten(-2)))
