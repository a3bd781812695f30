"""The mentions of every kind, and which of them the train part never sees.

Whether a mention is held out depends on its characters alone (a checksum of the normal form), so
no list has to be stored, the rule is the same in every process, and a string that belongs to two
classes is on one side only.
"""

import random
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from backend.sample.particles import FORMS, Coda, coda
from backend.sample.quantities import QUANTITIES
from backend.sample.templates import SLOTS, train_words
from backend.sample.words import (
    COMPOUNDS,
    FOREIGN_FIRST,
    FOREIGN_LAST,
    GIVEN_FIRST,
    GIVEN_SECOND,
    SURNAMES,
    WORDS,
)

LABELS: Final = (
    "사람",
    "수",
    "음식",
    "직업/직책",
    "제작물/작품",
    "조직/기관",
    "시설물/건물",
    "국가명",
    "행정구역",
    "학문/이론",
    "IT 용어",
    "제품",
    "동물 신체",
    "날짜",
    "질병/증상/증세",
    "모양 및 형태 표현",
    "세포/조직/기관",
    "동물 종류",
    "음료",
    "교통수단",
    "기간",
    "패션의류/잡화",
    "자연",
    "천체명칭",
    "기후/날씨",
    "식물",
    "스포츠",
    "계절",
    "언어",
    "문화/문명",
    "사건",
    "화폐(통화)",
    "약",
)

HELD_OUT_PERCENT: Final = 40
_LARGEST = 6000  # mentions kept of one kind; only people have more

_PARTICLES: Final = tuple({form for forms in FORMS.values() for form in forms})

Mention = tuple[str, Coda]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The mentions of one kind: those of the train part, and those held out from it.

    Both are in a fixed, shuffled order; the generator favours the front, so that some mentions
    are common and most are rare.
    """

    train: tuple[Mention, ...]
    held_out: tuple[Mention, ...]


def is_held_out(surface: str) -> bool:
    """Whether ``surface`` belongs to the strings that are no mention of the train part.

    Width and white space do not count, so a near copy of a mention stays on its side.
    """
    folded = "".join(unicodedata.normalize("NFKC", surface).split())
    return zlib.crc32(folded.encode()) % 100 < HELD_OUT_PERCENT


@cache
def lexicons() -> dict[str, Lexicon]:
    """The lexicon of each kind of mention, as SLOTS names them: a class, or ``class: kind``."""
    known = {kind: _mentions(kind) for kind in SLOTS.values()}
    trained = {s for surfaces in known.values() for s in surfaces if not is_held_out(s)}
    pieces = _pieces([*trained, *train_words()])
    tails = {surface[start:] for surface in trained for start in range(len(surface))}
    result = {}
    for kind, surfaces in known.items():
        train = tuple((s, coda(s)) for s in surfaces if s in trained)
        # A string that the train part spells anyway would not be new: 강 in 낙동강, 수정과 in
        # 김수정과, which is a name and its particle.
        fresh = (
            surface
            for surface in surfaces
            if surface not in trained
            and surface not in pieces
            and not any(surface.removesuffix(form) in tails for form in _PARTICLES)
        )
        result[kind] = Lexicon(train, tuple((s, coda(s)) for s in fresh))
    return result


def label_of(kind: str) -> str:
    """The class of a kind of mention."""
    return kind.split(": ", maxsplit=1)[0]


def _mentions(kind: str) -> list[str]:
    generated = _people() if kind == "사람" else QUANTITIES.get(kind, lambda: iter(()))()
    listed = (word.replace("_", " ") for word in WORDS.get(kind, "").split())
    surfaces = list(dict.fromkeys([*listed, *_compounds(kind), *generated]))
    random.Random(kind).shuffle(surfaces)
    return surfaces[:_LARGEST]


def _compounds(kind: str) -> Iterator[str]:
    for stems, endings, glue in COMPOUNDS.get(kind, ()):
        for stem, ending in product(stems.split(), endings.split()):
            yield f"{stem}{glue}{ending}".replace("_", " ")


def _pieces(surfaces: Iterable[str]) -> set[str]:
    return {
        surface[start:end]
        for surface in surfaces
        for start in range(len(surface))
        for end in range(start + 1, len(surface) + 1)
    }


def _people() -> Iterator[str]:
    for surname, first, second in product(
        SURNAMES.split(), GIVEN_FIRST.split(), GIVEN_SECOND.split()
    ):
        if first != second:
            yield surname + first + second
    for given, family in product(FOREIGN_FIRST.split(), FOREIGN_LAST.split()):
        yield f"{given} {family}"
