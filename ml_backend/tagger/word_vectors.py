"""Word vectors, learned elsewhere from much text, told to the characters that the words hold.

As in SoftLexicon (Ma et al. 2020, arXiv:1908.05969) a character is told, for each role that it has
in known words (first, middle, last, alone), the mean of their vectors. The vectors stay as they
came; what to make of them is learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ml_backend.tagger.features import CharacterRow
from ml_backend.tagger.surfaces import LONGEST, ROLES, Floats, Places, roles, surface_hashes
from ml_backend.tagger.vocabulary import numbers

_SCALE = 0.5  # root mean square of all numbers; larger ones drown what else is read at first


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Known words by their hashes, sorted, (known,); vectors (known + 1, size) in half precision.

    The first row is for what is unknown and holds zeros.
    """

    words: Places
    vectors: Tensor

    @classmethod
    def of(cls, words: Sequence[str], vectors: Floats) -> Self:
        """Words with their vectors, (words, size), all of them scaled alike to _SCALE.

        Of words that read alike (their case, their digits) the first stays, and only words of at
        most LONGEST characters.
        """
        hashes = surface_hashes(words)
        known, first = np.unique(hashes, return_index=True)
        known, first = known[known != 0], first[known != 0]
        chosen = vectors[first].astype(np.float32)
        if chosen.any():
            chosen *= _SCALE / np.sqrt(np.square(chosen).mean())
        rows = np.concatenate([np.zeros((1, vectors.shape[1]), np.float32), chosen])
        return cls(known, torch.from_numpy(rows).half())

    @property
    def size(self) -> int:
        """Of a vector."""
        return self.vectors.size(1)

    def match(self, row: CharacterRow) -> Floats:
        """For each character and role the mean of the words' vectors, (all, ROLES * size)."""
        known = numbers(self.words, row.substrings(LONGEST))
        place, length = np.nonzero(known)
        word = known[place, length]
        slots, words = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for last in range(LONGEST):
            of_length = length == last
            for offset, role in roles(last):
                slots.append((place[of_length] + offset) * ROLES + role)
                words.append(word[of_length])
        slot = np.concatenate(slots)
        order = np.argsort(slot, kind="stable")
        begins = np.searchsorted(slot[order], np.arange(len(known) * ROLES))
        told = functional.embedding_bag(
            torch.from_numpy(np.concatenate(words)[order]),
            self.vectors,
            torch.from_numpy(begins),
            mode="mean",
        )
        return told.float().view(len(known), -1).numpy()
