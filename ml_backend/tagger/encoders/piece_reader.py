"""Texts to what a pretrained encoder reads: rows of tokens, and which of them each position is.

A text with more pieces than the encoder reads at once is read in several rows that overlap; each
piece's vector is taken from the row in which it lies most inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.alignment import aligner
from ml_backend.tagger.features import read
from ml_backend.tagger.lexicon import Lexicon
from ml_backend.tagger.pieces import NO_PIECE, Cover, Numbers, Pieces, cover, row_starts
from ml_backend.tagger.positions import Places
from ml_backend.tagger.vocabulary import Vocabulary

DEPTHS = 8  # places inside a piece that are told apart, from either side; deeper ones are one
_SHARED = 4  # one in so many pieces of a row is in the next one too
_SAMPLES = ("a", "A", "1", "가", "的")

_CHUNK = 256  # texts whose pieces are counted at once


@dataclass(frozen=True, slots=True)
class PieceBatch:
    """Rows of tokens, and positions padded to (batch, positions).

    `first` and `last` are a position's first and last token in the flattened rows, `last` None
    where no position has two. `front` and `back` are a character's places inside its piece, from
    1; 0 where it has none. They and `symbols` are None where positions are tokens.
    """

    ids: Tensor  # (rows, tokens)
    mask: Tensor  # (rows, tokens)
    first: Tensor  # (batch, positions)
    last: Tensor | None  # (batch, positions)
    covered: Tensor  # (batch, positions), whether there is a token at all
    front: Tensor | None  # (batch, positions)
    back: Tensor | None  # (batch, positions)
    symbols: Tensor | None  # (batch, positions)
    lexicon: Tensor | None  # (batch, positions, width)
    lengths: Tensor  # (batch,)
    places: Sequence[Places] | None

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved: dict[str, Any] = {
            name: value.to(device) for name, value in values.items() if isinstance(value, Tensor)
        }
        return replace(self, **moved)


@dataclass(frozen=True, slots=True)
class Frame:
    """What an encoder wants around the pieces, and how much it takes."""

    front: Sequence[int]  # tokens before them: [CLS]
    back: Sequence[int]  # and behind: [SEP]
    padding: int
    unknown: int
    known: int  # ids below this have a vector
    longest: int | None  # tokens read at once, these included

    @classmethod
    def of(cls, tokenizer: Any, *, known: int, longest: int | None) -> "Frame":
        """Found by trying the tokenizer out."""
        front: Sequence[int] = ()
        back: Sequence[int] = ()
        for sample in _SAMPLES:
            bare = tokenizer(sample, add_special_tokens=False)["input_ids"]
            framed = tokenizer(sample)["input_ids"]
            before = range(len(framed) - len(bare) + 1)
            found = [at for at in before if framed[at : at + len(bare)] == bare]
            if bare and found:
                front, back = tuple(framed[: found[0]]), tuple(framed[found[0] + len(bare) :])
                break
        padding, unknown = tokenizer.pad_token_id or 0, tokenizer.unk_token_id or 0
        return cls(front, back, padding, unknown, known, longest)

    def rows(self, pieces: int) -> list["Row"]:
        """The rows for a text's pieces: one as a rule, evenly spread ones where it is too long."""
        room = pieces
        if self.longest is not None:
            room = max(1, self.longest - len(self.front) - len(self.back))
        if pieces <= room:
            return [Row(0, pieces, 0, pieces)]
        step = room - room // _SHARED
        more = -(-(pieces - room) // step)
        starts = [number * (pieces - room) // more for number in range(more + 1)]
        borders = [(left + room + right) // 2 for left, right in pairwise(starts)]
        owned = [0, *borders, pieces]
        return [
            Row(start, start + room, owned[number], owned[number + 1])
            for number, start in enumerate(starts)
        ]


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces `[start, end)` of a text, of which `[own, own_end)` get their vectors here."""

    start: int
    end: int
    own: int
    own_end: int


class PieceReader:
    """Reads texts for a pretrained encoder; `vocabulary` None: positions are tokens."""

    def __init__(
        self,
        tokenizer: Any,
        frame: Frame,
        labels: LabelSet,
        vocabulary: Vocabulary | None,
        lexicon: Lexicon | None,
    ):
        self._aligner, self._frame, self._labels = aligner(tokenizer), frame, labels
        self._vocabulary, self._lexicon = vocabulary, lexicon

    def read(
        self, texts: Sequence[str], own: Sequence[Sequence[Entity]] | None = None
    ) -> PieceBatch:
        """Read a batch of texts, none empty; `own` gold is left out of the lexicon."""
        pieces = self._aligner.pieces(texts)
        ids, mask, slots = self._rows(pieces)
        covers = cover(pieces, "".join(texts))
        in_tokens = self._vocabulary is None
        spots = _tokens(texts, covers) if in_tokens else _characters(texts, covers)
        inside = np.arange(spots.counts.max()) < spots.counts[:, None]  # (batch, positions)
        first, last = covers.first[spots.starts], covers.last[spots.ends - 1]
        covered = first != NO_PIECE
        slots = np.append(slots, 0)  # what NO_PIECE finds

        def depth(places: Numbers) -> Tensor:
            return _padded(np.where(covered, places.clip(0, DEPTHS - 1) + 1, 0), inside)

        symbols = matched = None
        if self._vocabulary is not None:
            symbols = _padded(self._vocabulary.symbol_numbers(texts), inside)
        if self._lexicon is not None:
            found = self._lexicon.match(read(texts), own, self._labels)  # (chars, width)
            both = np.maximum(found[spots.starts], found[spots.ends - 1])
            matched = _padded(both, inside)
        return PieceBatch(
            ids,
            mask,
            _padded(slots[first], inside),
            _padded(slots[last], inside) if (first != last).any() else None,
            _padded(covered, inside),
            None if in_tokens else depth(covers.front),
            None if in_tokens else depth(covers.back),
            symbols,
            matched,
            torch.from_numpy(spots.counts),
            spots.places if in_tokens else None,
        )

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """The pieces of each text."""
        chunks = (texts[first : first + _CHUNK] for first in range(0, len(texts), _CHUNK))
        return [count for chunk in chunks for count in self._aligner.pieces(chunk).counts.tolist()]

    def _rows(self, pieces: Pieces) -> tuple[Tensor, Tensor, Numbers]:
        """Ids and mask, (rows, tokens), and where in them, flattened, each piece is."""
        frame, inside = self._frame, len(self._frame.front)
        ids = np.where(pieces.ids < frame.known, pieces.ids, frame.unknown)
        rows = []  # with the text's first piece
        begin = 0
        for count in pieces.counts.tolist():
            rows += [(begin, row) for row in frame.rows(count)]
            begin += count
        width = max(1, max(row.end - row.start for _, row in rows) + inside + len(frame.back))
        tokens, mask = np.full((len(rows), width), frame.padding), np.zeros((len(rows), width), int)
        slots = np.zeros(len(ids), np.int64)
        for number, (begin, row) in enumerate(rows):
            line = [*frame.front, *ids[begin + row.start : begin + row.end], *frame.back]
            tokens[number, : len(line)] = line
            mask[number, : max(1, len(line))] = 1
            owned = np.arange(row.own, row.own_end)
            slots[begin + owned] = number * width + inside + owned - row.start
        return torch.from_numpy(tokens), torch.from_numpy(mask), slots


@dataclass(frozen=True, slots=True)
class _Spots:
    """The positions of all texts in a row: the characters that each covers, (positions,), how
    many each text has, (texts,), and, where they are tokens, those characters in their text."""

    starts: Numbers
    ends: Numbers
    counts: Numbers
    places: Sequence[Places]


def _characters(texts: Sequence[str], covers: Cover) -> _Spots:
    """Every character a position."""
    here = np.arange(len(covers.first))
    return _Spots(here, here + 1, np.array([len(text) for text in texts]), ())


def _tokens(texts: Sequence[str], covers: Cover) -> _Spots:
    """A position for each piece that covers a character which none before it covers; a text
    without pieces is one position."""
    places: list[list[tuple[int, int]]] = []
    starts: list[int] = []
    ends: list[int] = []
    for text, begin in zip(texts, row_starts(texts).tolist(), strict=True):
        first = covers.first[begin : begin + len(text)]
        changes = np.flatnonzero(np.diff(first, prepend=NO_PIECE - 1, append=NO_PIECE - 1)).tolist()
        found = [(a, b) for a, b in pairwise(changes) if first[a] != NO_PIECE] or [(0, len(text))]
        places.append(found)
        starts += [begin + start for start, _ in found]
        ends += [begin + end for _, end in found]
    return _Spots(np.array(starts), np.array(ends), np.array([len(one) for one in places]), places)


def _padded(values: NDArray[Any], inside: NDArray[np.bool_]) -> Tensor:
    result = np.zeros((*inside.shape, *values.shape[1:]), values.dtype)
    result[inside] = values
    return torch.from_numpy(result)
