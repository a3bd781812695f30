"""Which document of a group of copies is canonical, and whether two copies' gold says the same."""

from collections.abc import Callable
from itertools import accumulate

import orjson

from backend.db.tables import GoldSource
from backend.workflow.duplicates.normal_form import normal_form

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


def signature(text: str, entities: str, casefold: bool = False) -> tuple[tuple[int, int, str], ...]:
    """Gold, as JSON, in the offsets of the normal form: copies may differ in space and case."""
    place = _places(text, casefold)
    found = [(place(e["start"]), place(e["end"]), e["label"]) for e in orjson.loads(entities)]
    return tuple(sorted(found))


def _places(text: str, casefold: bool) -> Callable[[int], int]:
    """How long the normal form of the text is up to an offset."""
    form = normal_form(text, casefold)
    if form == text.replace(" ", ""):  # as most texts are
        return lambda offset: offset - text.count(" ", 0, offset)
    if form == "".join(text.split()):
        return [0, *accumulate(not character.isspace() for character in text)].__getitem__
    return lambda offset: len(normal_form(text[:offset], casefold))
