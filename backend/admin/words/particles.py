"""Korean particles that follow a value: 은 or 는, by how the value ends when it is read aloud.

The catalogue writes both forms, as in `%(name)s은(는)`; the one that fits is chosen for each value.
After a value of which the sound is not known (Latin letters, signs) both forms stay.
"""

import re
from collections.abc import Mapping
from typing import Any

FORMS = {
    "은(는)": ("은", "는"),
    "이(가)": ("이", "가"),
    "을(를)": ("을", "를"),
    "와(과)": ("과", "와"),
    "과(와)": ("과", "와"),
    "(으)로": ("으로", "로"),
    "(이)라": ("이라", "라"),
}
"""As the catalogue writes a particle → after a consonant, after a vowel."""

_PLACES = re.compile(rf"%\((\w+)\)[sd]({'|'.join(map(re.escape, FORMS))})")
_SYLLABLES, _FINALS, _RIEUL = range(0xAC00, 0xD7A4), 28, 8  # Unicode 15, section 3.12
_DIGITS = dict(zip("0123456789", (21, 8, 0, 16, 0, 0, 1, 8, 8, 0), strict=True))


def agree(sentence: str, values: Mapping[str, Any]) -> str:
    """A sentence yet to be filled with values, its particles those that the values ask for."""
    return _PLACES.sub(lambda found: _fitting(found, values), sentence)


def _fitting(found: re.Match[str], values: Mapping[str, Any]) -> str:
    name, particle = found[1], found[2]
    final = _final(str(values.get(name, "")))
    if final is None:
        return found[0]
    closed = final != 0 and not (particle == "(으)로" and final == _RIEUL)
    return found[0].removesuffix(particle) + FORMS[particle][0 if closed else 1]


def _final(value: str) -> int | None:
    """The number of the consonant that a value ends in, 0 for a vowel, None where not known."""
    last = value[-1:]
    if last and ord(last) in _SYLLABLES:
        return (ord(last) - _SYLLABLES.start) % _FINALS
    return _DIGITS.get(last)
