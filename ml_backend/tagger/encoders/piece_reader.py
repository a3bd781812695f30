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
from ml_backend.tagger.alignment import aligner
from ml_backend.tagger.pieces import NO_PIECE, Cover, Numbers, Pieces, cover, row_starts
from ml_backend.tagger.positions import Places
from ml_backend.tagger.vocabulary import Vocabulary

DEPTHS = 8  # places inside a piece that are told apart, from either side; deeper ones are one
_SHARED = 4  # one in so many pieces of a row is in the next one too
_SAMPLES = ("a", "A", "1", "가", "的")


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
    """Reads texts for a pretrained encoder; `symbols` None: positions are tokens."""

    def __init__(self, tokenizer: Any, frame: Frame, symbols: Vocabulary | None):
        self._aligner = aligner(tokenizer)
        self._frame, self._symbols = frame, symbols

    def read(
        self, texts: Sequence[str], own: Sequence[Sequence[Entity]] | None = None
    ) -> PieceBatch:
        """Read a batch of texts, none empty."""
        pieces = self._aligner.pieces(texts)
        ids, mask, slots = self._rows(pieces)
        slots = np.append(slots, 0)  # what NO_PIECE finds
        covers = cover(pieces, "".join(texts))
        if self._symbols is None:
            return _by_token(texts, covers, ids, mask, slots)
        lengths = np.array([len(text) for text in texts])
        inside = np.arange(lengths.max()) < lengths[:, None]  # (batch, chars)
        has = covers.first != NO_PIECE
        return PieceBatch(
            ids,
            mask,
            _padded(slots[covers.first], inside),
            _padded(slots[covers.last], inside) if (covers.first != covers.last).any() else None,
            _padded(has, inside),
            _padded(np.where(has, covers.front.clip(0, DEPTHS - 1) + 1, 0), inside),
            _padded(np.where(has, covers.back.clip(0, DEPTHS - 1) + 1, 0), inside),
            _padded(self._symbols.symbol_numbers(texts), inside),
            torch.from_numpy(lengths),
            None,
        )

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


def _by_token(
    texts: Sequence[str], covers: Cover, ids: Tensor, mask: Tensor, slots: Numbers
) -> PieceBatch:
    """A position for each piece that covers a character which none before it covers; a text
    without pieces is one position."""
    first = covers.first
    changes = np.flatnonzero(np.diff(first, prepend=NO_PIECE, append=NO_PIECE))
    starts = changes[:-1][first[changes[:-1]] != NO_PIECE]
    ends = changes[np.searchsorted(changes, starts) + 1]
    begins = row_starts(texts)
    owner = np.searchsorted(begins, starts, "right") - 1
    places: list[list[tuple[int, int]]] = [[] for _ in texts]
    for text, start, end in zip(owner.tolist(), starts.tolist(), ends.tolist(), strict=True):
        places[text].append((start - int(begins[text]), end - int(begins[text])))
    counts = np.array([len(row) for row in places])
    lengths = np.maximum(counts, 1)
    inside = np.arange(lengths.max()) < counts[:, None]  # (batch, positions)
    a, b = slots[first[starts]], slots[covers.last[ends - 1]]
    return PieceBatch(
        ids,
        mask,
        _padded(a, inside),
        _padded(b, inside) if (a != b).any() else None,
        torch.from_numpy(inside),
        None,
        None,
        None,
        torch.from_numpy(lengths),
        [row or [(0, len(text))] for row, text in zip(places, texts, strict=True)],
    )


def _padded(values: NDArray[Any], inside: NDArray[np.bool_]) -> Tensor:
    result = np.zeros(inside.shape, values.dtype)
    result[inside] = values
    return torch.from_numpy(result)
