"""Texts to pieces with their exact characters, for any Hugging Face tokenizer.

Text is data: a special token's name in it is read as any other text, and nothing is cut off. It
is read composed (NFC), which is all that most tokenizers know.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol

import numpy as np

from ml_backend.tagger.composition import Composition
from ml_backend.tagger.pieces import Pieces, row_starts, without_space
from ml_backend.tagger.spelling import Range, align

_SURROGATE = re.compile("[\ud800-\udfff]")  # no tokenizer takes one alone
_REPLACEMENT = "\ufffd"
_WORDS = 1 << 16  # words whose pieces are remembered
_CHINESE = (
    ("\u3400", "\u4dbf"),
    ("\u4e00", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\U00020000", "\U0002a6df"),
    ("\U0002a700", "\U0002ceaf"),
    ("\U0002f800", "\U0002fa1f"),
)
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
        composed = Composition.of([_clean(text) for text in texts])
        found = self._tokenizer.encode_batch(composed.texts, add_special_tokens=False)
        rows = [one.ids for one in found]
        counts = np.array([len(ids) for ids in rows], np.int64)
        ids = np.fromiter(chain.from_iterable(rows), np.int64, int(counts.sum()))
        offsets = chain.from_iterable(chain.from_iterable(one.offsets for one in found))
        ranges = np.fromiter(offsets, np.int64, 2 * len(ids)).reshape(-1, 2)
        starts, ends = (ranges + np.repeat(row_starts(composed.texts), counts)[:, None]).T
        starts, ends = without_space(*composed.back(starts, ends), "".join(texts))
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
        composed = Composition.of([_clean(text) for text in texts])
        begins = row_starts(composed.texts)
        for number, (text, begin) in enumerate(zip(composed.texts, begins, strict=True)):
            for word in self._word.finditer(text):
                rows = self._remembered(word[0])  # (pieces of the word, 3)
                found.append(rows + (begin + word.start()) * _RANGE)
                counts[number] += len(rows)
        ids, starts, ends = np.concatenate([np.empty((0, 3), np.int64), *found]).T
        starts, ends = without_space(*composed.back(starts, ends), "".join(texts))
        return Pieces(ids, starts, ends, counts)

    def _of_word(self, word: str) -> Any:
        """Id, start and end of each piece."""
        names = self._names(word)
        parts = list(_basic(word)) if self._unknown in names else [(0, len(word))]
        cut = [self._names(word[start:end]) for start, end in parts]
        if len(parts) > 1 and list(chain.from_iterable(cut)) != names:
            parts, cut = [(0, len(word))], [names]  # the tokenizer cuts in other places
        ranges = []
        for (start, end), own in zip(parts, cut, strict=True):
            spelt = [None if name == self._unknown else name for name in own]
            found = align(word[start:end], spelt, marks=self._marks, controls=self._controls)
            ranges += [(start + begin, start + behind) for begin, behind in found]
        ids = self._tokenizer.convert_tokens_to_ids(names)
        rows = [(number, *where) for number, where in zip(ids, ranges, strict=True)]
        return np.array(rows, np.int64).reshape(-1, 3)

    def _names(self, text: str) -> list[str]:
        names: list[str] = self._tokenizer.tokenize(text, split_special_tokens=True)
        return names


def _basic(word: str) -> Iterator[Range]:
    """The parts into which BERT cuts a word before all else: each punctuation mark and each
    Chinese character, and what is between. An unknown piece of BERT's is one of them."""
    start = 0
    for place, character in enumerate(word):
        if _stands_alone(character):
            if start < place:
                yield start, place
            yield place, place + 1
            start = place + 1
    if start < len(word):
        yield start, len(word)


def _stands_alone(character: str) -> bool:
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    return unicodedata.category(character)[0] == "P" or any(
        first <= character <= last for first, last in _CHINESE
    )


def _clean(text: str) -> str:
    return _SURROGATE.sub(_REPLACEMENT, text)


def _size(tokenizer: Any) -> int:
    """One more than the highest id."""
    return 1 + max(tokenizer.get_vocab(with_added_tokens=True).values(), default=0)
