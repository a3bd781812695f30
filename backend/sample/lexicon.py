"""The mentions of every kind, and which of them the train part never sees.

Whether a mention is held out depends on its characters alone (a checksum of the normal form), so
no list has to be stored, the rule is the same in every process, and a string that belongs to two
classes is on one side only.
"""

import random
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final

from backend.sample.particles import Coda, coda
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
    result = {}
    for kind, surfaces in known.items():
        train = tuple((s, coda(s)) for s in surfaces if s in trained)
        # Inside a longer mention or a word of the train part it would not be new: 강 in 낙동강.
        fresh = (s for s in surfaces if s not in trained and s not in pieces)
        result[kind] = Lexicon(train, tuple((s, coda(s)) for s in fresh))
    return result


def label_of(kind: str) -> str:
    """The class of a kind of mention."""
    return kind.split(": ", maxsplit=1)[0]


def _mentions(kind: str) -> list[str]:
    generated = _GENERATED[kind]() if kind in _GENERATED else iter(())
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


def _counts(units: str, largest: int) -> Iterator[str]:
    """From a few to `largest`, in the ways in which counts are written."""
    rng = random.Random(units)
    for unit in units.split():
        yield from (f"{rng.randint(2, min(99, largest))}{unit}" for _ in range(60))
        if largest >= 100:
            yield from (f"{rng.randint(10, min(99, largest // 10))}0여 {unit}" for _ in range(20))
            yield from (f"{rng.randint(101, min(999, largest))}{unit}" for _ in range(30))
        if largest >= 10_000:
            yield from (f"{rng.randint(1, 98)},{rng.randint(0, 99):02}0{unit}" for _ in range(60))
            yield from (f"{rng.randint(2, 90)}만 {unit}" for _ in range(30))


def _native_counts(units: str) -> Iterator[str]:
    counts = ("한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열")
    yield from (f"{count} {unit}" for count, unit in product(counts, units.split()))


def _people_counted() -> Iterator[str]:
    yield from _counts("명", 99)
    yield from _native_counts("명 사람")


def _ratios() -> Iterator[str]:
    for whole in range(2, 95):
        yield from (f"{whole}%", f"{whole}.{whole % 9 + 1}%", f"{whole}퍼센트")
    yield from (
        f"{count}배" for count in ("2", "3", "4", "5", "10", "두", "세", "1.5", "2.5", "3.5")
    )


def _scores() -> Iterator[str]:
    yield from (f"{count}{unit}" for count in range(2, 40) for unit in ("점", "득점"))
    yield from (f"{count}골" for count in ("2", "3", "4", "한", "두", "세", "네"))


def _ranks() -> Iterator[str]:
    yield from (f"{count}위" for count in range(1, 31))
    yield from (f"{count} 번째 자리" for count in ("첫", "두", "세", "네", "다섯"))


def _portions() -> Iterator[str]:
    yield from (f"{count}{unit}" for count in range(1, 20) for unit in ("인분", "그릇", "개"))
    yield from _native_counts("그릇 접시 개 판")


def _drinks() -> Iterator[str]:
    yield from (f"{count}{unit}" for count in range(1, 20) for unit in ("잔", "병", "캔"))
    yield from _native_counts("잔 병 캔")


def _animals_counted() -> Iterator[str]:
    yield from _counts("마리", 999)
    yield from _native_counts("마리 쌍")


def _lengths() -> Iterator[str]:
    for whole in range(1, 40):
        yield from (f"{whole}cm", f"{whole}.{whole % 9 + 1}cm", f"{whole}mm", f"{whole}센티미터")


def _distances() -> Iterator[str]:
    rng = random.Random("distances")
    yield from (f"{rng.randint(2, 9000)}광년" for _ in range(80))
    yield from (f"{rng.randint(2, 900)}만 km" for _ in range(60))
    yield from (f"{rng.randint(2, 90)}억 km" for _ in range(30))


def _times() -> Iterator[str]:
    yield from (f"{count}{unit}" for count in range(2, 40) for unit in ("번", "차례", "회"))
    yield from _native_counts("번 차례")


def _past_dates() -> Iterator[str]:
    yield from (
        "어제",
        "그제",
        "올해",
        "지난해",
        "작년",
        "이달",
        "이날",
        "지난주",
        "최근",
        "지난 주말",
        "지난달",
        "재작년",
    )
    for day in ("월", "화", "수", "목", "금", "토", "일"):
        yield from (f"지난 {day}요일", f"{day}요일", f"지난주 {day}요일")
    yield from _days("지난")
    yield from (f"{year}년 {month}월" for year in range(2012, 2027) for month in range(1, 13))
    yield from (f"2025.{month:02}.{day:02}" for month in range(1, 13) for day in (3, 9, 17, 26))


def _dates_to_come() -> Iterator[str]:
    yield from (
        "오늘",
        "내일",
        "모레",
        "내년",
        "다음 달",
        "다음 주",
        "이번 주말",
        "오는 주말",
        "내달",
        "이번 주",
    )
    for day in ("월", "화", "수", "목", "금", "토", "일"):
        yield from (f"오는 {day}요일", f"{day}요일 오후", f"다음 주 {day}요일")
    yield from _days("오는")


def _days(before: str) -> Iterator[str]:
    yield from (f"{month}월 {day}일" for month in range(1, 13) for day in range(1, 29))
    yield from (f"{before} {day}일" for day in range(1, 32))
    for month in range(1, 13):
        yield from (f"{before} {month}월", f"{month}월 초", f"{month}월 말")


def _years() -> Iterator[str]:
    yield from (f"{year}년" for year in range(1405, 2011, 3))
    yield from (f"{year}년대" for year in range(1900, 2000, 10))
    yield from (
        f"{century}세기 {part}" for century in range(12, 21) for part in ("초", "말", "후반")
    )
    yield from (f"{year}년 {year % 12 + 1}월" for year in range(1850, 2010, 3))


def _periods() -> Iterator[str]:
    yield from ("이틀", "사흘", "나흘", "닷새", "열흘", "보름", "반년", "일주일")
    for unit, limit in (("년", 40), ("개월", 19), ("주", 13), ("일", 30)):
        for count in range(2, limit):
            yield f"{count}{unit}"
    yield from (f"{count} {unit}" for count in ("두", "세", "네", "다섯") for unit in ("달", "해"))


def _hours() -> Iterator[str]:
    yield from (f"{count}분" for count in range(10, 60))
    for count in ("1", "2", "3", "4", "5", "6", "7", "8", "한", "두", "세", "네", "다섯"):
        space = "" if count.isdecimal() else " "
        yield from (f"{count}{space}시간", f"{count}{space}시간 반", f"{count}{space}시간 30분")


def _prices() -> Iterator[str]:
    for price in range(3, 100):
        yield from (f"{price}만 원", f"{price},900원", f"{price}만 5천 원", f"{price}달러")
    yield from (f"{price}유로" for price in range(5, 90, 5))


def _sums() -> Iterator[str]:
    for amount in range(2, 95):
        yield from (f"{amount}억 원", f"{amount}조 원", f"{amount}00만 원", f"{amount}억 달러")
        yield from (f"{amount}억 {amount % 8 + 2}천만 원", f"{amount}만 유로", f"{amount}억 엔")


_GENERATED: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "사람": _people,
    "수: 사람": _people_counted,
    "수: 인원": lambda: _counts("명", 99_999),
    "수: 비율": _ratios,
    "수: 점수": _scores,
    "수: 순위": _ranks,
    "수: 음식": _portions,
    "수: 음료": _drinks,
    "수: 동물": _animals_counted,
    "수: 길이": _lengths,
    "수: 거리": _distances,
    "수: 번": _times,
    "수: 부": lambda: _counts("부 권", 99_999),
    "날짜: 지난날": _past_dates,
    "날짜: 앞날": _dates_to_come,
    "날짜: 연도": _years,
    "기간: 날": _periods,
    "기간: 시간": _hours,
    "화폐(통화): 가격": _prices,
    "화폐(통화): 금액": _sums,
}
