"""The tags of column files: BIO, IOB1, BIOES, BILOU and their spellings, told apart by their use.

A tag is `B-PER`, `B_PER`, `PER-B` or `PER_B`, and `O` or `-` outside. BMES, and W for a single
token, are BIOES with other letters.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

SchemeName = Literal["BIO", "IOB1", "BIOES", "BILOU"]
Span = tuple[int, int, str]  # first token, the one after the last, label
Tag = tuple[str, str]  # the letter as written, the label; outside is ("O", "")

OUTSIDE: Tag = ("O", "")
_OUTSIDE = frozenset({"O", "o", "-", "_"})
_PREFIXED = re.compile(r"([BIOESLUMW])[-_](\S.*)", re.DOTALL)
_SUFFIXED = re.compile(r"(.*\S)[-_]([BIESLUMW])", re.DOTALL)
_KIND = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S", "W": "S"}
_LETTERS: dict[SchemeName, str] = {
    "BIO": "BI",
    "IOB1": "BI",
    "BIOES": "BIMESW",
    "BILOU": "BILU",
}


class TagError(ValueError):
    """A tag that does not belong; `place` is its token's."""

    def __init__(self, reason: str, place: int = 0):
        self.place = place
        super().__init__(reason)


@lru_cache(maxsize=4096)
def read_tag(text: str) -> Tag:
    """The letter and the label of a tag; raises TagError for what is none."""
    if text in _OUTSIDE:
        return OUTSIDE
    if match := _PREFIXED.fullmatch(text):
        if match[1] == "O":
            raise TagError(f"{text!r} gives O a label")
        return match[1], match[2]
    if match := _SUFFIXED.fullmatch(text):
        return match[2], match[1]
    raise TagError(f"{text!r} is no tag of BIO, IOB1, BIOES or BILOU")


@dataclass(slots=True)
class SchemeVotes:
    """What the sentences of a file say of its scheme."""

    letters: Counter[str] = field(default_factory=Counter)
    begun_by_b: int = 0  # where IOB1 would write I
    begun_by_i: int = 0  # where BIO would write B
    left_open: int = 0  # entities whose last token is B or I

    def add(self, tags: Iterable[Tag]) -> None:
        """Count one sentence."""
        before = OUTSIDE
        for tag in (*tags, OUTSIDE):
            kind = _KIND.get(tag[0], "O")
            goes_on = _KIND.get(before[0], "O") in "BI" and before[1] == tag[1]
            self.letters[tag[0]] += 1
            if not goes_on:
                self.begun_by_b += kind == "B"
                self.begun_by_i += kind == "I"
            if _KIND.get(before[0], "O") in "BI" and not (goes_on and kind in "IE"):
                self.left_open += 1
            before = tag

    def scheme(self) -> "TagScheme":
        """The scheme that most of it follows; BIO when nothing speaks for another."""
        count = self.letters
        british = count["E"] + count["S"] + count["W"]
        american = count["L"] + count["U"]
        if british + american > self.left_open:
            return TagScheme("BIOES" if british >= american else "BILOU")
        return TagScheme("IOB1" if self.begun_by_i > self.begun_by_b else "BIO")


@dataclass(frozen=True, slots=True)
class TagScheme:
    """One way of writing entities as a tag for each token."""

    name: SchemeName

    def decode(self, tags: Sequence[Tag]) -> list[Span]:
        """The entities of a sentence, in order; raises TagError at the first tag that may not
        stand where it does.
        """
        closing = self.name in ("BIOES", "BILOU")
        spans: list[Span] = []
        start = -1  # of the entity that is open
        before = OUTSIDE
        for place, tag in enumerate((*tags, OUTSIDE)):
            letter, label = tag
            if tag != OUTSIDE and letter not in _LETTERS[self.name]:
                raise TagError(f"{letter} is no tag of {self.name}, which the file follows", place)
            kind = _KIND.get(letter, "O")
            goes_on = start >= 0 and kind in "IE" and label == before[1]
            if start >= 0 and not goes_on:
                if closing:
                    raise TagError(f"{_shown(tag)} may not follow {_shown(before)}", place)
                spans.append((start, place, before[1]))
                start = -1
            if not goes_on and kind in "IE":
                if self.name != "IOB1":
                    raise TagError(
                        f"{_shown(tag)} may not follow {_shown(before)} in {self.name}", place
                    )
                start = place
            elif kind == "B":
                start = place
            elif kind == "S":
                spans.append((place, place + 1, label))
            elif kind == "E":
                spans.append((start, place + 1, label))
                start = -1
            before = tag
        return spans

    def encode(self, spans: Iterable[Span], length: int) -> list[str]:
        """A tag for each of `length` tokens, letter first; spans are sorted and none overlap.

        Only BIO and BIOES are written.
        """
        assert self.name in ("BIO", "BIOES")
        tags = ["O"] * length
        for start, end, label in spans:
            tags[start:end] = [f"{letter}-{label}" for letter in self._written(end - start)]
        return tags

    def _written(self, width: int) -> str:
        if self.name == "BIO":
            return "B" + "I" * (width - 1)
        return "S" if width == 1 else "B" + "I" * (width - 2) + "E"


def _shown(tag: Tag) -> str:
    return "O" if tag == OUTSIDE else f"{tag[0]}-{tag[1]}"
