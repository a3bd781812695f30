"""A text composed (NFC) for a tokenizer that knows no other form, with a way back.

Most tokenizers never saw decomposed Hangul or accents and take them for unknown. The text itself
stays as it is: ranges of what was composed are turned into ranges of the text.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Composition:
    """Texts composed, and for each of their characters in a row the range that it came from.

    `starts` and `ends` are (characters,) and count those of the texts as they are; None where
    every text was composed already.
    """

    texts: Sequence[str]
    starts: Numbers | None
    ends: Numbers | None

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        """Compose each text."""
        if all(unicodedata.is_normalized("NFC", text) for text in texts):
            return cls(texts, None, None)
        composed: list[str] = []
        ranges: list[Numbers] = []  # (characters, 2) of each text
        begin = 0
        for text in texts:
            view, found = _composed(text)
            composed.append(view)
            ranges.append(found + begin)
            begin += len(text)
        starts, ends = np.concatenate(ranges).T
        return cls(composed, starts, ends)

    def back(self, starts: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
        """Ranges of the composed row as those of the texts as they are."""
        if self.starts is None or self.ends is None:
            return starts, ends
        real = starts < ends
        first = self.starts[np.where(real, starts, 0)]
        behind = self.ends[np.where(real, ends - 1, 0)]
        begin = np.append(self.starts, self.ends[-1:])[starts]
        return np.where(real, first, begin), np.where(real, behind, begin)


def composes(character: str) -> bool:
    """Whether a normal form may compose it with what stands before it."""
    first = unicodedata.normalize("NFKD", character)[0]
    hangul_vowel_or_final = 0x1160 <= ord(first) <= 0x11FF or 0xD7B0 <= ord(first) <= 0xD7FB
    return hangul_vowel_or_final or unicodedata.category(first) in ("Mc", "Me", "Mn")


def _composed(text: str) -> tuple[str, Numbers]:
    """One text composed, and the range of each of its characters, (characters, 2)."""
    if unicodedata.is_normalized("NFC", text):
        here = np.arange(len(text))
        return text, np.stack([here, here + 1], axis=1)
    parts: list[str] = []
    ranges: list[tuple[int, int]] = []
    for start, end in _clusters(text):
        parts.append(unicodedata.normalize("NFC", text[start:end]))
        ranges += _shared_out(start, end, len(parts[-1]))
    return "".join(parts), np.array(ranges, np.int64).reshape(-1, 2)


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Ranges across whose borders nothing composes."""
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or not composes(text[place]):
            yield start, place
            start = place


def _shared_out(start: int, end: int, characters: int) -> Iterator[tuple[int, int]]:
    """A cluster's range shared out to the characters that it was composed to: the first has what
    was composed, the others one each; where there are more than it has, they share."""
    for number in range(characters):
        first = start if number == 0 else max(start, end - characters + number)
        behind = end - characters + number + 1
        yield first, min(end, max(first + 1, behind))
