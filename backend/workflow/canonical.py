"""Which document of a group of copies is canonical, and whether two copies' gold says the same."""

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
    # most texts are their normal form but for spaces: no beginning of theirs needs more then
    form = _without_space if normal_form(text) == _without_space(text) else normal_form
    return tuple(
        (len(form(text[: e["start"]])), len(form(text[: e["end"]])), e["label"])
        for e in sorted(orjson.loads(entities), key=lambda e: (e["start"], e["end"], e["label"]))
    )


def _without_space(text: str) -> str:
    return "".join(text.split())
