"""A soft lexicon: surfaces that were entities in the gold, or that a gazetteer has, found in text.

As in SoftLexicon (Ma et al. 2020, arXiv:1908.05969) a character learns for each role (first,
middle, last, alone) what the surfaces say in which it has that role; here they say how often,
among all occurrences of the surface in the gold's texts, it was an entity of each label. While
training, a text's own occurrences are left out, so that the network learns how far a lexicon can
be trusted on a text that it was not made from. Word vectors say besides what words mean elsewhere.
Any encoder over characters can add the features.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.features import CharacterRow, read
from ml_backend.tagger.surfaces import LONGEST, ROLES, Floats, Places, roles, surface_hashes
from ml_backend.tagger.vocabulary import chunks, numbers
from ml_backend.tagger.word_vectors import WordVectors

_TABLES = ("surfaces", "counts", "totals", "listed")
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
    words: WordVectors | None = None

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
        listed_hashes = surface_hashes([surface for surface, _ in gazetteer])
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
        gazetteer: Sequence[tuple[str, str]] = (),
        words: WordVectors | None = None,
    ) -> Self | None:
        """One of the gold if `own`, of the gazetteer and the words if there are any, or None."""
        if not own and not gazetteer and words is None:
            return None
        made = cls.of(texts, gold if own else [()] * len(texts), labels, gazetteer)
        return replace(made, counts=made.counts if own else made.counts[:, :0], words=words)

    def sizes(self) -> dict[str, int]:
        """What an encoder's configuration has to say of it."""
        return {
            "known_surfaces": len(self.surfaces),
            "gold_labels": self.counts.shape[1],
            "listed_labels": self.listed.shape[1],
            "known_words": 0 if self.words is None else len(self.words.words),
            "vector_size": 0 if self.words is None else self.words.size,
        }

    @property
    def width(self) -> int:
        """Numbers that `match` gives for each character before those of word vectors."""
        return (ROLES + 1) * (self.counts.shape[1] + self.listed.shape[1]) + ROLES + 1

    def match(
        self,
        row: CharacterRow,
        own: Sequence[Sequence[Entity]] | None = None,
        labels: LabelSet | None = None,
    ) -> Floats:
        """What the surfaces in the texts say of each character, (all, width + word vectors').

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
        found = self._told(len(known), place, length, shares[which].astype(np.float32))
        return found if self.words is None else np.hstack([found, self.words.match(row)])

    def _told(self, characters: int, place: Places, length: Places, shares: Floats) -> Floats:
        """Lay the shares of all surfaces over their characters; `length` is one too small."""
        labels = shares.shape[1]
        best = np.zeros((characters, ROLES, labels), np.float32)
        longest = np.zeros((characters, labels + ROLES + 1), np.float32)
        likely = shares.sum(1) > _SURE
        for last in range(LONGEST):  # longer ones later: they overwrite
            of_length = np.flatnonzero((length == last) & (shares.sum(1) > 0))
            for offset, role in roles(last):
                here = place[of_length] + offset
                best[here, role] = np.maximum(best[here, role], shares[of_length])
                sure = likely[of_length]
                longest[here[sure], :labels] = shares[of_length[sure]]
                longest[here[sure], labels:] = 0
                longest[here[sure], labels + role] = 1
                longest[here[sure], -1] = (last + 1) / LONGEST
        return np.concatenate([best.reshape(characters, -1), longest], axis=1)


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


class LexiconSizes(Protocol):
    """What an encoder's configuration says of its lexicon; `known_surfaces` None: it has none."""

    @property
    def known_surfaces(self) -> int | None: ...
    @property
    def gold_labels(self) -> int: ...
    @property
    def listed_labels(self) -> int: ...
    @property
    def known_words(self) -> int: ...
    @property
    def vector_size(self) -> int: ...
    @property
    def lexicon_size(self) -> int: ...
    @property
    def lexicon_dropout(self) -> float: ...
    @property
    def words_size(self) -> int: ...
    @property
    def words_dropout(self) -> float: ...


class LexiconFeatures(nn.Module):
    """A lexicon's matches as a vector for each character; the lexicon lives in buffers."""

    def __init__(self, sizes: LexiconSizes):
        """Empty, with room for what `sizes` says; `lexicon_dropout` is the share of characters of
        which nothing is told in training, `words_dropout` that of the vectors' numbers."""
        super().__init__()
        known = sizes.known_surfaces or 0
        self.forget = sizes.lexicon_dropout
        self.size = sizes.lexicon_size
        self.register_buffer("surfaces", torch.zeros(known, dtype=torch.long))
        self.register_buffer("counts", torch.zeros(known + 1, sizes.gold_labels))
        self.register_buffer("totals", torch.zeros(known + 1))
        self.register_buffer("listed", torch.zeros(known + 1, sizes.listed_labels))
        self.mix_words: nn.Linear | None = None
        if sizes.known_words:
            vectors = torch.zeros(sizes.known_words + 1, sizes.vector_size, dtype=torch.float16)
            self.register_buffer("words", torch.zeros(sizes.known_words, dtype=torch.long))
            self.register_buffer("vectors", vectors)
            self.mix_words = nn.Linear(ROLES * sizes.vector_size, sizes.words_size)
            self.words_dropout = nn.Dropout(sizes.words_dropout)
            self.size += sizes.words_size
        self.width = self.lexicon().width
        self.mix = nn.Linear(self.width, sizes.lexicon_size)

    def hold(self, lexicon: Lexicon) -> None:
        """Take over this lexicon, of just this size."""
        for name in _TABLES:
            self.get_buffer(name).copy_(torch.from_numpy(getattr(lexicon, name)))
        if lexicon.words is not None:
            self.get_buffer("words").copy_(torch.from_numpy(lexicon.words.words))
            self.get_buffer("vectors").copy_(lexicon.words.vectors)

    def columns(self, labels: Sequence[str]) -> list[str]:
        """What each column of the weights stands for, of these labels the first in the gold."""
        shares = [f"share {label}" for label in labels[: self.get_buffer("counts").size(1)]]
        shares += [f"listed {number}" for number in range(self.get_buffer("listed").size(1))]
        told = [f"{role} {share}" for role in range(ROLES + 1) for share in shares]
        return told + [f"longest {number}" for number in range(ROLES + 1)]

    def lexicon(self) -> Lexicon:
        """The lexicon itself, for readers."""
        words = None
        if self.mix_words is not None:
            words = WordVectors(
                self.get_buffer("words").cpu().numpy(), self.get_buffer("vectors").cpu()
            )
        surfaces, counts, totals, listed = (self.get_buffer(one).cpu().numpy() for one in _TABLES)
        return Lexicon(surfaces, counts, totals, listed, words)

    def forward(self, matched: Tensor) -> Tensor:
        """What `Lexicon.match` gives, (..., all its numbers), to (..., size)."""
        surfaces = matched[..., : self.width]
        if self.training and self.forget:
            told = torch.rand(matched.shape[:-1], device=matched.device) >= self.forget
            surfaces = surfaces * told.unsqueeze(-1)
        mixed = functional.gelu(self.mix(surfaces))
        if self.mix_words is None:
            return mixed
        words = self.mix_words(self.words_dropout(matched[..., self.width :]))
        return torch.cat([mixed, words], dim=-1)
