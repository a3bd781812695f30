"""Texts to pieces with their exact characters, for any Hugging Face tokenizer.

Text is data: a special token's name in it is read as any other text, and nothing is cut off.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from typing import Any, Protocol

import numpy as np

from ml_backend.tagger.pieces import Pieces, row_starts, without_space
from ml_backend.tagger.spelling import Range, align

_SURROGATE = re.compile("[\ud800-\udfff]")  # no tokenizer takes one alone
_REPLACEMENT = "\ufffd"
_WORDS = 1 << 16  # words whose pieces are remembered
_RANGE = np.array([0, 1, 1])  # of id, start and end those that count characters


class Aligner(Protocol):
    """Cuts texts into pieces, without special tokens; threads may share it."""

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """The pieces of each text."""
        ...


def aligner(tokenizer: Any) -> Aligner:
    """What aligns for a Hugging Face tokenizer: by its own offsets if it has any, else by ours."""
    if tokenizer.is_fast:
        return OffsetAligner(tokenizer.backend_tokenizer)
    return WordAligner(tokenizer)


class OffsetAligner:
    """For a `tokenizers.Tokenizer`, which reports offsets."""

    def __init__(self, tokenizer: Any):
        own = type(tokenizer).from_str(tokenizer.to_str())  # its settings are about to change
        own.no_truncation()
        own.no_padding()
        own.encode_special_tokens = True
        self._tokenizer = own
        names = [own.id_to_token(number) or "" for number in range(_size(own))]
        # the mark before a word is reported where the word is
        self._marks = np.array([bool(name) and not name.strip("▁") for name in names])

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """The pieces of each text."""
        found = self._tokenizer.encode_batch(list(map(_clean, texts)), add_special_tokens=False)
        rows = [one.ids for one in found]
        counts = np.array([len(ids) for ids in rows], np.int64)
        ids = np.fromiter(chain.from_iterable(rows), np.int64, int(counts.sum()))
        offsets = chain.from_iterable(chain.from_iterable(one.offsets for one in found))
        ranges = np.fromiter(offsets, np.int64, 2 * len(ids)).reshape(-1, 2)
        starts, ends = (ranges + np.repeat(row_starts(texts), counts)[:, None]).T
        starts, ends = without_space(starts, ends, "".join(texts))
        return Pieces(ids, starts, np.where(self._marks[ids], starts, ends), counts)


class WordAligner:
    """For a tokenizer in Python, which reports none: word by word, by what the pieces spell."""

    def __init__(self, tokenizer: Any):
        self._tokenizer, self._unknown = tokenizer, tokenizer.unk_token
        apart = tokenizer.tokenize("a") + tokenizer.tokenize("b")
        # white space is read too where it makes pieces, or marks those of the word behind it
        self._word = re.compile(r"\S+" if tokenizer.tokenize("a b") == apart else r"\s*\S+")
        self._controls = tokenizer.tokenize("a\u200bb") != tokenizer.tokenize("ab")
        self._marks = tokenizer.tokenize("a\u0301b") != tokenizer.tokenize("ab")
        self._remembered = lru_cache(_WORDS)(self._of_word)

    def pieces(self, texts: Sequence[str]) -> Pieces:
        """The pieces of each text."""
        found = []
        counts = np.zeros(len(texts), np.int64)
        for number, (text, begin) in enumerate(zip(texts, row_starts(texts), strict=True)):
            for word in self._word.finditer(_clean(text)):
                rows = self._remembered(word[0])  # (pieces of the word, 3)
                found.append(rows + (begin + word.start()) * _RANGE)
                counts[number] += len(rows)
        ids, starts, ends = np.concatenate([np.empty((0, 3), np.int64), *found]).T
        return Pieces(ids, *without_space(starts, ends, "".join(texts)), counts)

    def _of_word(self, word: str) -> Any:
        """Id, start and end of each piece."""
        names = self._names(word)
        ids = self._tokenizer.convert_tokens_to_ids(names)
        spelt = [None if name == self._unknown else name for name in names]
        ranges = align(word, spelt, marks=self._marks, controls=self._controls)
        found: list[Range] = []
        for (start, end), same in groupby(zip(ranges, spelt, strict=True), lambda row: row[0]):
            pieces = [piece for _, piece in same]
            if len(pieces) > 1 and pieces == [None] * len(pieces):
                apart = self._apart(word[start:end], len(pieces))
                found += [(start + begin, start + behind) for begin, behind in apart]
            else:
                found += [(start, end)] * len(pieces)
        rows = [(number, *range_) for number, range_ in zip(ids, found, strict=True)]
        return np.array(rows, np.int64).reshape(-1, 3)

    def _apart(self, text: str, pieces: int) -> Iterator[Range]:
        """The ranges of unknown pieces side by side: one ends where the text in front of a place
        is one piece and that behind it the others; where there is no such place, they share."""
        begin = 0
        for others in range(pieces - 1, 0, -1):
            for end in range(begin + 1, len(text)):
                front, back = text[begin:end], text[end:]
                if self._are_unknown(front, 1) and self._are_unknown(back, others):
                    yield self._trimmed(text, begin, end)
                    begin = end
                    break
            else:
                yield from [(begin, len(text))] * (others + 1)
                return
        yield self._trimmed(text, begin, len(text))

    def _are_unknown(self, text: str, pieces: int) -> bool:
        return self._names(text) == [self._unknown] * pieces

    def _trimmed(self, text: str, start: int, end: int) -> Range:
        """Without the characters at the ends that the tokenizer drops."""
        while start < end - 1 and not self._names(text[start]):
            start += 1
        while start < end - 1 and not self._names(text[end - 1]):
            end -= 1
        return start, end

    def _names(self, text: str) -> list[str]:
        names: list[str] = self._tokenizer.tokenize(text, split_special_tokens=True)
        return names


def _clean(text: str) -> str:
    return _SURROGATE.sub(_REPLACEMENT, text)


def _size(tokenizer: Any) -> int:
    """One more than the highest id."""
    return 1 + max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
