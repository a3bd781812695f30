"""The normal form of a text: a key under which copies are equal, and the map of offsets through it.

Two texts are exact copies when their normal forms are equal: NFKC, case-folded where the project
says so, without white space and zero-width characters. No text is ever altered.

NFKC expands (㎞), composes (NFD Hangul, half-width letters and their marks) and reorders
(combining marks), so a character of the text may be no character of the form. What is certain are
cuts: offsets at which both fall apart, `normal_form(text[:i]) + normal_form(text[i:])` being the
form of the whole. Entities are projected from one copy to another along the cuts they share.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Sequence

from backend.errors import GoldloopError
from ml_backend.contract.entity import Entity

# zero-width space, non-joiner and joiner, word joiner, byte-order mark, soft hyphen, Mongolian
# vowel separator
_ZERO_WIDTH = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD, 0x180E))

_Cuts = list[int | None]  # by offset of a text: the offset in its form, None inside a character


class ProjectionError(GoldloopError):
    """An entity that has no place in another text; carries it and the reason."""

    def __init__(self, entity: Entity, reason: str):
        self.entity, self.reason = entity, reason
        super().__init__(f"[{entity.start}, {entity.end}) {entity.label!r} {reason}")


def normal_form(text: str, casefold: bool = False) -> str:
    """The form in which copies are equal."""
    form = unicodedata.normalize("NFKC", text)
    if casefold:
        form = unicodedata.normalize("NFKC", form.casefold())
    form = "".join(form.split())
    # what has no width is not printable either, and asking takes a tenth of translating
    return form if form.isprintable() else form.translate(_ZERO_WIDTH)


def group_key(text: str, casefold: bool = False) -> str:
    """SHA-256 of the normal form, hexadecimal: shared by all copies of a text."""
    return hashlib.sha256(normal_form(text, casefold).encode()).hexdigest()


def project_entities(
    entities: Iterable[Entity], source_text: str, target_text: str, casefold: bool = False
) -> list[Entity]:
    """The same entities in another text of the same normal form, in their order.

    An entity's edges are drawn close: white space and zero-width characters at them are not taken
    along, and none of the target's are taken in. Raises ProjectionError when an edge falls inside
    what NFKC expands, composes or reorders in either text, when nothing of the entity is left in
    the normal form, and ValueError when the texts are not copies of each other.
    """
    found = list(entities)
    if source_text == target_text or not found:
        return found
    if normal_form(source_text, casefold) != normal_form(target_text, casefold):
        raise ValueError("the texts are not copies: their normal forms differ")
    source = _cuts(source_text, casefold)
    first, last = _places(target_text, casefold)
    projected = []
    for entity in found:
        start, end = source[entity.start], source[entity.end]
        if start is None or end is None:
            raise ProjectionError(entity, "begins or ends inside a character of the normal form")
        if start == end:
            raise ProjectionError(entity, "has nothing in the normal form")
        if start not in last or end not in first:
            raise ProjectionError(entity, "begins or ends inside a character of the copy")
        projected.append(Entity(last[start], first[end], entity.label, entity.probability))
    return projected


def entities_of_form(entities: Iterable[Entity], text: str, casefold: bool = False) -> list[Entity]:
    """Entities in the offsets of the normal form as entities of a text, their edges drawn close.

    Raises ProjectionError for an edge inside a character of the text.
    """
    first, last = _places(text, casefold)
    found = []
    for one in entities:
        if one.start not in last or one.end not in first:
            raise ProjectionError(one, "begins or ends inside a character of the copy")
        found.append(Entity(last[one.start], first[one.end], one.label, one.probability))
    return found


def normal_entities(
    entities: Iterable[Entity], text: str, casefold: bool = False
) -> tuple[tuple[int, int, str], ...]:
    """Start, end and label in the offsets of the normal form, sorted: equal where copies agree.

    An edge inside a character of the form is taken to that character's outer edge.
    """
    cuts = _cuts(text, casefold)
    return tuple(
        sorted((_at_or_before(cuts, e.start), _at_or_after(cuts, e.end), e.label) for e in entities)
    )


def _places(text: str, casefold: bool) -> tuple[dict[int, int], dict[int, int]]:
    """The first and the last offset of a text at each place of its form."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for offset, place in enumerate(_cuts(text, casefold)):
        if place is not None:
            first.setdefault(place, offset)
            last[place] = offset
    return first, last


def _at_or_before(cuts: Sequence[int | None], offset: int) -> int:
    return next(place for place in reversed(cuts[: offset + 1]) if place is not None)


def _at_or_after(cuts: Sequence[int | None], offset: int) -> int:
    return next(place for place in cuts[offset:] if place is not None)


def _cuts(text: str, casefold: bool) -> _Cuts:
    """The place in the normal form of every offset of the text; its length + 1 entries."""
    form = unicodedata.normalize("NFKC", text)
    cuts = _nfkc_cuts(text, form)
    if casefold:
        folded = form.casefold()
        cuts = _through(cuts, _folding_cuts(form))
        form = unicodedata.normalize("NFKC", folded)
        cuts = _through(cuts, _nfkc_cuts(folded, form))
    return _through(cuts, _kept_cuts(form))


def _through(first: _Cuts, second: _Cuts) -> _Cuts:
    return [None if place is None else second[place] for place in first]


def _nfkc_cuts(text: str, form: str) -> _Cuts:
    """A cut before each character that begins with a starter and composes with none before it.

    Nothing after such a character can reach back over it.
    """
    if text == form:
        return list(range(len(text) + 1))
    cuts: _Cuts = []
    begun, before, open_form = 0, 0, ""  # the piece of text since the last cut, and its form
    for offset, character in enumerate(text):
        alone = unicodedata.normalize("NFKC", character)
        together = unicodedata.normalize("NFKC", text[begun : offset + 1])
        starter = not unicodedata.combining(unicodedata.normalize("NFKD", character)[0])
        if offset == begun or (starter and together == open_form + alone):
            before += len(open_form)
            cuts.append(before)
            begun, open_form = offset, alone
        else:
            cuts.append(None)
            open_form = together
    return [*cuts, before + len(open_form)]


def _folding_cuts(text: str) -> _Cuts:
    cuts: _Cuts = [0]
    for character in text:
        cuts.append((cuts[-1] or 0) + len(character.casefold()))
    return cuts


def _kept_cuts(text: str) -> _Cuts:
    """White space and zero-width characters have no length."""
    cuts: _Cuts = [0]
    for character in text:
        kept = not character.isspace() and ord(character) not in _ZERO_WIDTH
        cuts.append((cuts[-1] or 0) + kept)
    return cuts
