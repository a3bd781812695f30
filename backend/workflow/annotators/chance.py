"""Agreement above chance: Krippendorff's alpha of several people, Cohen's kappa of two.

Both are 1 for full agreement, 0 for what chance would give, and below 0 for less.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence

_EACH = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_EACH}]|[^\W{_EACH}]+|[^\w\s]")


def tokens(text: str) -> list[tuple[int, int]]:
    """The tokens of a text, in code points `[start, end)`.

    A token is a run of letters and digits; Chinese characters, kana and marks are one each.
    """
    return [match.span() for match in _TOKEN.finditer(text)]


def alpha(units: Iterable[tuple[int, Sequence[Hashable]]]) -> float | None:
    """Krippendorff's nominal alpha; a unit is how often it comes and the values it was given.

    None where all values are the same, or no unit has two (Krippendorff, "Content Analysis",
    chapter 12).
    """
    together = 0.0  # how often a value meets itself
    totals: Counter[Hashable] = Counter()
    for times, values in units:
        if len(values) < 2:
            continue
        counts = Counter(values)
        for value, count in counts.items():
            together += times * count * (count - 1) / (len(values) - 1)
            totals[value] += times * count
    total = sum(totals.values())
    by_chance = sum(count * (count - 1) for count in totals.values())
    if total < 2 or by_chance == total * (total - 1):
        return None
    observed = together / total
    expected = by_chance / (total * (total - 1))
    return (observed - expected) / (1 - expected)


def kappa(pairs: Mapping[tuple[Hashable, Hashable], int]) -> float | None:
    """Cohen's kappa of two people, from how often each pair of values was given.

    None where there is nothing, or both gave one value throughout (Cohen, "A coefficient of
    agreement for nominal scales", 1960).
    """
    total = sum(pairs.values())
    if not total:
        return None
    left: Counter[Hashable] = Counter()
    right: Counter[Hashable] = Counter()
    for (one, other), count in pairs.items():
        left[one] += count
        right[other] += count
    observed = sum(count for (one, other), count in pairs.items() if one == other) / total
    expected = sum(count * right[value] for value, count in left.items()) / total**2
    return (observed - expected) / (1 - expected) if expected < 1 else None
