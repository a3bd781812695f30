"""Copies of a document: exact or near, and now and then labelled differently.

A near copy differs in punctuation, spacing, an emoji or the width of its characters; its spans
move along. A copy that is labelled differently has what annotators disagree about: an entity
missing, a boundary too wide, another label.
"""

import random
from collections.abc import Callable
from typing import Final

from backend.sample.lexicon import is_held_out
from backend.sample.sentences import Span

# What a class is taken for when it is taken for another.
CONFUSED: Final = {
    "사람": "직업/직책",
    "수": "기간",
    "음식": "음료",
    "직업/직책": "조직/기관",
    "제작물/작품": "문화/문명",
    "조직/기관": "시설물/건물",
    "시설물/건물": "조직/기관",
    "국가명": "행정구역",
    "행정구역": "시설물/건물",
    "학문/이론": "IT 용어",
    "IT 용어": "학문/이론",
    "제품": "IT 용어",
    "동물 신체": "세포/조직/기관",
    "날짜": "기간",
    "질병/증상/증세": "세포/조직/기관",
    "모양 및 형태 표현": "제품",
    "세포/조직/기관": "동물 신체",
    "동물 종류": "식물",
    "음료": "음식",
    "교통수단": "제품",
    "기간": "날짜",
    "패션의류/잡화": "제품",
    "자연": "행정구역",
    "천체명칭": "자연",
    "기후/날씨": "계절",
    "식물": "동물 종류",
    "스포츠": "문화/문명",
    "계절": "날짜",
    "언어": "학문/이론",
    "문화/문명": "사건",
    "사건": "문화/문명",
    "화폐(통화)": "수",
    "약": "제품",
}

_EMOJI = ("😀", "👍🏻", "🙏", "✅", "🔥", "📌", "👨‍👩‍👧", "🇰🇷")
_WIDE = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}  # ASCII to full width

Labelled = tuple[str, list[Span]]


def near_copy(text: str, spans: list[Span], rng: random.Random) -> Labelled:
    """``text`` with a small change that no reader would mind, and its spans moved along."""
    changed, moved = rng.choice(_CHANGES)(text, spans, rng)
    return (changed, moved) if changed != text else _emoji(text, spans, rng)


def relabel(text: str, spans: list[Span], rng: random.Random) -> list[Span]:
    """``spans`` (not empty) with one of them missing, too wide, or of another label."""
    number = rng.randrange(len(spans))
    start, end, label = spans[number]
    kind = rng.choice(("missing", "wider", "label"))
    if kind == "label":
        return [*spans[:number], (start, end, CONFUSED[label]), *spans[number + 1 :]]
    if kind == "wider":
        limit = spans[number + 1][0] if number + 1 < len(spans) else len(text)
        wider = end
        while wider < limit and not text[wider].isspace():
            wider += 1  # the particle goes in
        # A wider mention must not become one of the strings that the test part holds back.
        if wider > end and not is_held_out(text[start:wider]):
            return [*spans[:number], (start, wider, label), *spans[number + 1 :]]
    return [*spans[:number], *spans[number + 1 :]]


def _punctuation(text: str, spans: list[Span], rng: random.Random) -> Labelled:
    ends = spans[-1][1] if spans else 0
    if text.endswith(".") and ends < len(text):
        return text[:-1] + rng.choice(("", "!", "...", "。")), spans
    return text + rng.choice((".", "!", "~", "?!")), spans


def _spacing(text: str, spans: list[Span], rng: random.Random) -> Labelled:
    inside = {place for start, end, _ in spans for place in range(start, end)}
    spaces = [at for at, char in enumerate(text) if char == " " and at not in inside]
    if not spaces:
        return text, spans
    at = rng.choice(spaces)
    return _splice(text, spans, at, 1, rng.choice(("", "  ", "\u00a0")))


def _emoji(text: str, spans: list[Span], rng: random.Random) -> Labelled:
    emoji = rng.choice(_EMOJI)
    if rng.random() < 0.5:
        return _splice(text, spans, 0, 0, emoji + " ")
    return text + " " + emoji, spans


def _width(text: str, spans: list[Span], rng: random.Random) -> Labelled:
    return text.translate(_WIDE), spans  # one character becomes one character


_CHANGES: tuple[Callable[[str, list[Span], random.Random], Labelled], ...] = (
    _punctuation,
    _spacing,
    _emoji,
    _width,
)


def _splice(text: str, spans: list[Span], at: int, removed: int, inserted: str) -> Labelled:
    """Replace ``removed`` characters at ``at``, which lie in no span, by ``inserted``."""
    shift = len(inserted) - removed
    moved = [(s + shift, e + shift, label) if s >= at else (s, e, label) for s, e, label in spans]
    return text[:at] + inserted + text[at + removed :], moved
