"""Numbers, dates, periods and sums of money, as the sample corpus writes them."""

import random
from collections.abc import Callable, Iterator
from itertools import product
from typing import Final


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


QUANTITIES: Final[dict[str, Callable[[], Iterator[str]]]] = {
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
