"""The mentions of every class, and which of them the train part never sees.

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

from backend.sample.particles import Coda, coda
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
_LARGEST = 6000  # mentions kept of one class; only people and numbers have more

Mention = tuple[str, Coda]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The mentions of one class: those of the train part, and those held out from it.

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
    """The lexicon of each label, in the order of LABELS."""
    known = {label: _mentions(label) for label in LABELS}
    trained = {s for surfaces in known.values() for s in surfaces if not is_held_out(s)}
    pieces = _pieces(trained)
    result = {}
    for label, surfaces in known.items():
        train = tuple((s, coda(s)) for s in surfaces if s in trained)
        # Inside a longer mention of the train part it would not be new: 강 in 낙동강.
        fresh = (s for s in surfaces if s not in trained and s not in pieces)
        result[label] = Lexicon(train, tuple((s, coda(s)) for s in fresh))
    return result


def _mentions(label: str) -> list[str]:
    generated = _GENERATED[label]() if label in _GENERATED else iter(())
    listed = (word.replace("_", " ") for word in WORDS.get(label, "").split())
    surfaces = list(dict.fromkeys([*listed, *_compounds(label), *generated]))
    random.Random(label).shuffle(surfaces)
    return surfaces[:_LARGEST]


def _compounds(label: str) -> Iterator[str]:
    for stems, endings, glue in COMPOUNDS.get(label, ()):
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


def _numbers() -> Iterator[str]:
    rng = random.Random("numbers")
    for unit in "명 개 마리 건 % 배 km kg 점 표 회 층 곳 권 편 장 그루 위 세 도 cm 가구".split():
        for _ in range(60):
            yield f"{rng.randint(2, 99)}{unit}"
    for unit in "명 건 대 가구 개 톤 표".split():
        for _ in range(40):
            yield f"{rng.randint(1, 98)},{rng.randint(0, 99):02}0{unit}"
            yield f"{rng.randint(2, 90)}만 {unit}"
            yield f"{rng.randint(11, 99)}0여 {unit}"
    for unit in "% 배 점 km kg cm mm 도".split():
        for _ in range(50):
            yield f"{rng.randint(1, 60)}.{rng.randint(1, 9)}{unit}"
    native = "한 두 세 네 다섯 여섯 일곱 여덟 아홉 열 스무"
    for count, unit in product(native.split(), "명 개 마리 권 번 곳 대 장 그루 살 사람".split()):
        yield f"{count} {unit}"
    for count in "첫 두 세 네 다섯 여섯 일곱".split():
        yield f"{count} 번째"


def _dates() -> Iterator[str]:
    rng = random.Random("dates")
    yield from "오늘 어제 내일 모레 그제 올해 지난해 작년 내년 이달 이날 지난주 최근".split()
    for word in "이번 주|다음 주|지난 주말|이번 주말|다음 달|지난달|오는 주말|재작년".split("|"):
        yield word
    for day in "월 화 수 목 금 토 일".split():
        yield from (f"{day}요일", f"지난 {day}요일", f"오는 {day}요일", f"{day}요일 오후")
    for month, day in product(range(1, 13), range(1, 29)):
        yield f"{month}월 {day}일"
    for day in range(1, 32):
        yield from (f"{day}일", f"지난 {day}일", f"오는 {day}일", f"{day}일 오전")
    for year in range(1905, 2031):
        yield f"{year}년"
        yield f"{year}년 {rng.randint(1, 12)}월"
        yield f"{year}년 {rng.randint(1, 12)}월 {rng.randint(1, 28)}일"
        yield f"{year}.{rng.randint(1, 12):02}.{rng.randint(1, 28):02}"
    for month in range(1, 13):
        yield from (f"{month}월", f"지난 {month}월", f"오는 {month}월", f"{month}월 초", f"{month}월 말")
    for decade in range(1950, 2030, 10):
        yield f"{decade}년대"


def _periods() -> Iterator[str]:
    yield from "하루 이틀 사흘 나흘 닷새 열흘 보름 반년 한평생 온종일 밤새 반나절".split()
    units = (("년", 40), ("개월", 19), ("주", 13), ("일", 30), ("시간", 49), ("분", 60))
    for unit, limit in units:
        for count in range(2, limit):
            yield f"{count}{unit}간" if unit not in ("시간", "분") else f"{count}{unit}"
            yield f"{count}{unit} 반" if unit in ("년", "시간") else f"{count}여 {unit}"
    for count, unit in product("한 두 세 네 다섯 여섯".split(), "달 해 시간 주 학기".split()):
        yield f"{count} {unit}"


def _money() -> Iterator[str]:
    rng = random.Random("money")
    for _ in range(160):
        yield f"{rng.randint(1, 99)}만 원"
        yield f"{rng.randint(1, 99)},{rng.randint(0, 9)}00원"
        yield f"{rng.randint(2, 900)}억 원"
        yield f"{rng.randint(2, 9)}천만 원"
        yield f"{rng.randint(2, 90)}조 원"
        yield f"{rng.randint(2, 90)}억 {rng.randint(2, 9)}천만 원"
        yield f"{rng.randint(2, 999)}{rng.choice(('달러', '유로', '엔', '위안', '파운드'))}"
        yield f"{rng.randint(2, 99)}만 {rng.choice(('달러', '유로', '엔', '위안'))}"


_GENERATED = {
    "사람": _people,
    "수": _numbers,
    "날짜": _dates,
    "기간": _periods,
    "화폐(통화)": _money,
}
