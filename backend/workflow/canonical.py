"""Which document of a group of copies is canonical, and whether two copies' gold says the same."""

from collections.abc import Iterator, Sequence

import orjson

from backend.db.tables import GoldSource
from backend.workflow.normal_form import normal_form

_BEST_FIRST = (GoldSource.DECISION, GoldSource.PERSON, GoldSource.IMPORTED, GoldSource.RULE)
_NO_OWN_GOLD = (None, GoldSource.COPIED)  # copied gold follows the canonical document
_RANK: dict[str | None, int] = {source: rank for rank, source in enumerate(_BEST_FIRST)}
_RANK |= dict.fromkeys(_NO_OWN_GOLD, len(_BEST_FIRST))


def rank(source: str | None) -> int:
    """The place of a document with gold of this source among copies: the lowest is canonical."""
    return _RANK[source]


def has_own_gold(source: str | None) -> bool:
    """Whether somebody vouches for this very document."""
    return source not in _NO_OWN_GOLD


def signature(text: str, entities: str) -> tuple[tuple[int, int, str], ...]:
    """Gold, as JSON, in the offsets of the normal form: copies may differ in space."""
    spans = [(e["start"], e["end"], e["label"]) for e in orjson.loads(entities)]
    offsets = sorted({offset for start, end, _ in spans for offset in (start, end)})
    place = dict(zip(offsets, _lengths(text, offsets), strict=True))
    return tuple(sorted((place[start], place[end], label) for start, end, label in spans))


def _lengths(text: str, offsets: Sequence[int]) -> Iterator[int]:
    """How long the normal form of the text is up to each offset, in ascending order."""
    if normal_form(text) != _without_space(text):
        yield from (len(normal_form(text[:offset])) for offset in offsets)
        return
    length = done = 0  # most texts are their normal form but for spaces
    for offset in offsets:
        length += len(_without_space(text[done:offset]))
        done = offset
        yield length


def _without_space(text: str) -> str:
    return "".join(text.split())
