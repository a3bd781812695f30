"""Which form of a Korean particle follows a word.

A particle such as 은/는 depends on whether the word before it ends in a consonant (a *coda*,
받침), and 으로/로 also on whether that consonant is ㄹ. Digits and Latin letters count as they
are read aloud.
"""

from enum import IntEnum
from typing import Final


class Coda(IntEnum):
    """How a word ends when it is read aloud; the number picks the form of a particle."""

    NONE = 0
    CONSONANT = 1
    RIEUL = 2


# Named by the form after a consonant; (after a vowel, after a consonant, after ㄹ).
FORMS: Final[dict[str, tuple[str, str, str]]] = {
    "은": ("는", "은", "은"),
    "이": ("가", "이", "이"),
    "을": ("를", "을", "을"),
    "과": ("와", "과", "과"),
    "으로": ("로", "으로", "로"),
    "이라": ("라", "이라", "이라"),
    "이나": ("나", "이나", "이나"),
    "이랑": ("랑", "이랑", "이랑"),
    "이었": ("였", "이었", "이었"),
    "이다": ("다", "이다", "이다"),
    "이며": ("며", "이며", "이며"),
    "이면": ("면", "이면", "이면"),
    "아": ("야", "아", "아"),
    "이에요": ("예요", "이에요", "이에요"),
}

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
_RIEUL = 8  # its number among the 28 possible codas of a Hangul syllable
_CODA_OF_DIGIT = (1, 2, 0, 1, 0, 0, 1, 2, 2, 0)  # 영 일 이 삼 사 오 육 칠 팔 구
_CODA_OF_UNIT = {"kg": 1, "mg": 1, "g": 1, "cm": 0, "mm": 0, "km": 0, "m": 0, "%": 0, "℃": 0}
_CODA_OF_LETTER = {"l": 2, "r": 2, "m": 1, "n": 1}  # 엘, 알, 엠, 엔; all others end in a vowel


def coda(word: str) -> Coda:
    """How ``word`` (not empty) ends when read aloud; an unknown symbol counts as a vowel."""
    last = word[-1]
    if _FIRST_SYLLABLE <= ord(last) <= _LAST_SYLLABLE:
        number = (ord(last) - _FIRST_SYLLABLE) % 28
        return Coda.RIEUL if number == _RIEUL else Coda(min(number, 1))
    unit = word[-2:] if word[-2:] in _CODA_OF_UNIT else last
    if unit in _CODA_OF_UNIT:
        return Coda(_CODA_OF_UNIT[unit])
    if last.isdecimal():
        return Coda(_CODA_OF_DIGIT[int(last)])
    return Coda(_CODA_OF_LETTER.get(last.lower(), 0))
