"""A soft lexicon: surfaces that were entities in the gold, or that a gazetteer has, found in text.

As in SoftLexicon (Ma et al. 2020, arXiv:1908.05969) a character learns for each role (first,
middle, last, alone) what the surfaces say in which it has that role; here they say how often,
among all occurrences of the surface in the gold's texts, it was an entity of each label. While
training, a text's own occurrences are left out, so that the network learns how far a lexicon can
be trusted on a text that it was not made from. Any encoder over characters can add the features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.features import CharacterRow, read
from ml_backend.tagger.vocabulary import chunks, numbers

Floats = NDArray[np.float32]
Places = NDArray[np.int64]

LONGEST = 12  # characters of a surface; 98 of 100 entities of news text are not longer
_FIRST, _MIDDLE, _LAST, _ALONE = range(4)  # roles of a character in a surface
ROLES = 4
_SHRINK = 0.5  # occurrences added to each surface's own, so that one seen once says less
_SURE = 0.15  # share of entities from which a surface may be the longest that is told


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Known surfaces by their hashes.

    Shapes: surfaces (known,) sorted; counts (known + 1, labels) how often each was an entity, and
    totals (known + 1,) how often it occurred at all; listed (known + 1, listed_labels) 1 where the
    gazetteer has it. Row 0 is for what is unknown and holds zeros.
    """

    surfaces: Places
    counts: Floats
    totals: Floats
    listed: Floats

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        gold: Sequence[Sequence[Entity]],
        labels: LabelSet,
        gazetteer: Sequence[tuple[str, str]] = (),
    ) -> Self:
        """Count over training gold; a gazetteer adds pairs of surface and label, of any labels.

        Of both only what has at most LONGEST characters.
        """
        found: list[tuple[Places, Places]] = []  # hash and label of entities
        for part in chunks(len(texts)):
            row = read(texts[part])
            place, length, label = _own(gold[part], row, labels)
            found.append((row.substrings(LONGEST)[place, length - 1].view(np.int64), label))
        hashes = np.concatenate([np.empty(0, np.int64), *(one for one, _ in found)])
        label = np.concatenate([np.empty(0, np.int64), *(one for _, one in found)])
        listed_hashes = _hashes([surface for surface, _ in gazetteer])
        fits = listed_hashes != 0
        surfaces = np.unique(np.concatenate([hashes, listed_hashes[fits]]))
        counts = np.zeros((len(surfaces) + 1, len(labels)), np.float32)
        np.add.at(counts, (numbers(surfaces, hashes), label), 1)
        names = sorted({name for _, name in gazetteer})
        listed = np.zeros((len(surfaces) + 1, len(names)), np.float32)
        column = np.array([names.index(name) for _, name in gazetteer], np.int64)
        listed[numbers(surfaces, listed_hashes)[fits], column[fits]] = 1
        totals = np.zeros(len(surfaces) + 1, np.float32)
        for part in chunks(len(texts)):
            known = numbers(surfaces, read(texts[part]).substrings(LONGEST))
            totals += np.bincount(known.ravel(), minlength=len(totals))
        totals[0] = 0
        return cls(surfaces, counts, totals, listed)

    @classmethod
    def made(
        cls,
        texts: Sequence[str],
        gold: Sequence[Sequence[Entity]],
        labels: LabelSet,
        *,
        own: bool,
        gazetteer: Sequence[tuple[str, str]],
    ) -> Self | None:
        """One of the gold if `own`, of the gazetteer if there is one, of both, or None."""
        if not own and not gazetteer:
            return None
        made = cls.of(texts, gold if own else [()] * len(texts), labels, gazetteer)
        return made if own else replace(made, counts=made.counts[:, :0])

    @property
    def width(self) -> int:
        """Numbers that `match` gives for each character."""
        return (ROLES + 1) * (self.counts.shape[1] + self.listed.shape[1]) + ROLES + 1

    def match(
        self,
        row: CharacterRow,
        own: Sequence[Sequence[Entity]] | None = None,
        labels: LabelSet | None = None,
    ) -> Floats:
        """What the surfaces in the texts say of each character, (all, width).

        For each role the highest share of each label among the surfaces in which the character
        has it; then the shares of the longest likely surface over it, its role there and its
        length. With `own`, the gold that the texts had when it was counted, each text's own
        occurrences are taken away again.
        """
        known = numbers(self.surfaces, row.substrings(LONGEST))
        place, length = np.nonzero(known)
        pairs = row.text[place] * len(self.totals) + known[place, length]
        distinct, which = np.unique(pairs, return_inverse=True)
        number = distinct % len(self.totals)
        counts, totals = self.counts[number], self.totals[number]
        if own is not None and labels is not None and self.counts.shape[1]:
            at, long, label = _own(own, row, labels)
            told = known[at, long - 1] > 0  # a swapped-in or new entity was never counted
            at, long, label = at[told], long[told], label[told]
            added = np.searchsorted(distinct, row.text[at] * len(self.totals) + known[at, long - 1])
            np.subtract.at(counts, (added, label), 1)
            totals = totals - np.bincount(which, minlength=len(distinct))
            counts, totals = np.maximum(counts, 0), np.maximum(totals, 0)
        shares = np.concatenate([counts / (totals[:, None] + _SHRINK), self.listed[number]], axis=1)
        return self._told(len(known), place, length, shares[which].astype(np.float32))

    def _told(self, characters: int, place: Places, length: Places, shares: Floats) -> Floats:
        """Lay the shares of all surfaces over their characters; `length` is one too small."""
        labels = shares.shape[1]
        best = np.zeros((characters, ROLES, labels), np.float32)
        longest = np.zeros((characters, labels + ROLES + 1), np.float32)
        likely = shares.sum(1) > _SURE
        for last in range(LONGEST):  # longer ones later: they overwrite
            of_length = np.flatnonzero((length == last) & (shares.sum(1) > 0))
            for offset, role in _roles(last):
                here = place[of_length] + offset
                best[here, role] = np.maximum(best[here, role], shares[of_length])
                sure = likely[of_length]
                longest[here[sure], :labels] = shares[of_length[sure]]
                longest[here[sure], labels:] = 0
                longest[here[sure], labels + role] = 1
                longest[here[sure], -1] = (last + 1) / LONGEST
        return np.concatenate([best.reshape(characters, -1), longest], axis=1)


def _roles(last: int) -> Iterator[tuple[int, int]]:
    """Offset and role of each character of a surface whose last offset is `last`."""
    if last == 0:
        yield 0, _ALONE
        return
    for offset in range(last + 1):
        yield offset, _FIRST if offset == 0 else _LAST if offset == last else _MIDDLE


def _own(
    gold: Sequence[Sequence[Entity]], row: CharacterRow, labels: LabelSet
) -> tuple[Places, Places, Places]:
    """Place in the row, length and label number of the entities that are short enough."""
    number = {label: place for place, label in enumerate(labels)}
    starts = (np.cumsum(row.lengths) - row.lengths).tolist()
    found = [
        (start + entity.start, entity.end - entity.start, number[entity.label])
        for start, entities in zip(starts, gold, strict=True)
        for entity in entities
        if entity.end - entity.start <= LONGEST
    ]
    place, length, label = np.array(found, np.int64).reshape(-1, 3).T
    return place, length, label


def _hashes(surfaces: Sequence[str]) -> Places:
    """Each surface's hash, 0 for one that is empty or too long."""
    result = np.zeros(len(surfaces), np.int64)
    fits = [place for place, one in enumerate(surfaces) if 0 < len(one) <= LONGEST]
    row = read([surfaces[place] for place in fits])
    ends = np.cumsum(row.lengths)
    result[fits] = row.substrings(LONGEST)[ends - row.lengths, row.lengths - 1].view(np.int64)
    return result


class LexiconFeatures(nn.Module):
    """A lexicon's matches as a vector for each character; the lexicon lives in buffers."""

    def __init__(self, known: int, labels: int, listed: int, size: int, forget: float):
        """`forget` is the share of characters of which nothing is told in training."""
        super().__init__()
        self.forget = forget
        self.register_buffer("surfaces", torch.zeros(known, dtype=torch.long))
        self.register_buffer("counts", torch.zeros(known + 1, labels))
        self.register_buffer("totals", torch.zeros(known + 1))
        self.register_buffer("listed", torch.zeros(known + 1, listed))
        self.mix = nn.Linear(self.lexicon().width, size)

    def hold(self, lexicon: Lexicon) -> None:
        """Take over this lexicon, of just this size."""
        for name in ("surfaces", "counts", "totals", "listed"):
            self.get_buffer(name).copy_(torch.from_numpy(getattr(lexicon, name)))

    def columns(self, labels: Sequence[str]) -> list[str]:
        """What each column of the weights stands for, of these labels the first in the gold."""
        shares = [f"share {label}" for label in labels[: self.get_buffer("counts").size(1)]]
        shares += [f"listed {number}" for number in range(self.get_buffer("listed").size(1))]
        told = [f"{role} {share}" for role in range(ROLES + 1) for share in shares]
        return told + [f"longest {number}" for number in range(ROLES + 1)]

    def lexicon(self) -> Lexicon:
        """The lexicon itself, for readers."""
        names = ("surfaces", "counts", "totals", "listed")
        return Lexicon(*(self.get_buffer(name).cpu().numpy() for name in names))

    def forward(self, matched: Tensor) -> Tensor:
        """(..., width) as `Lexicon.match` gives it to (..., size)."""
        if self.training and self.forget:
            told = torch.rand(matched.shape[:-1], device=matched.device) >= self.forget
            matched = matched * told.unsqueeze(-1)
        return functional.gelu(self.mix(matched))
