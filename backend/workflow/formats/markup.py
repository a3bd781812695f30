r"""Entities written into the text: `<28일:DAT>`.

Where a file also has the plain text, `align` finds the one reading of the markup that gives it,
so that a literal `<` needs no escape. Where it has not, `read_line` takes every `<surface:label>`
for an entity, and a line that begins with `\<>` is escaped: `\<` `\>` `\:` `\\` `\n` `\r` in it
stand for those characters. Only a line that could not be read otherwise is written so.
"""

import re
from collections.abc import Callable, Sequence

from ml_backend.contract.entity import Entity

ESCAPED = "\\<>"  # what an escaped line begins with; no text of anybody's does by chance
_LABEL = r"[^\W\d_](?:[^<>:\n]*[^<>:\s])?"  # begins with a letter: `<12:30>` is a text
_ENTITY = re.compile(rf"<([^<>\n]+):({_LABEL})>")
_CLOSE = re.compile(rf":{_LABEL}>")
_ESCAPE = {"<": "\\<", ">": "\\>", ":": "\\:", "\\": "\\\\", "\n": "\\n", "\r": "\\r"}
_MEANING = {escape[1]: character for character, escape in _ESCAPE.items()}
_PIECE = re.compile(r"\\.|[<>:]|[^\\<>:]+|\\", re.DOTALL)
_Reading = tuple[int, int, tuple[Entity, ...]]  # place in the text, place in the markup, found
_SHOWN = 40  # characters of a line that a reason quotes


class MarkupError(ValueError):
    """Markup that cannot be read as one text and its entities."""


def align(text: str, marked: str) -> list[Entity]:
    """The entities of `marked`, which is `text` with markup in it.

    Of two readings, that whose entities hold whole brackets: `<<2>:X>` marks `<2>`, and in
    `<<공간:X>>` the brackets are around the entity.
    Raises MarkupError where no reading of the markup gives the text.
    """
    seen: set[tuple[int, int]] = set()
    furthest = 0
    open_readings: list[_Reading] = [(0, 0, ())]
    while open_readings:
        place, at, found = open_readings.pop()
        sign = marked.find("<", at)
        plain = marked[at:] if sign < 0 else marked[at:sign]
        furthest = max(furthest, place)
        if not text.startswith(plain, place):
            continue
        place += len(plain)
        if sign < 0:
            if place == len(text):
                return list(found)
            continue
        if (place, sign) in seen:
            continue
        seen.add((place, sign))
        odd: list[_Reading] = []
        plausible: list[_Reading] = []
        for entity, end in reversed(_candidates(text, place, marked, sign)):
            reading = (entity.end, end, (*found, entity))
            whole = _is_balanced(text[entity.start : entity.end])
            (plausible if whole else odd).append(reading)
        literal = [(place + 1, sign + 1, found)] if text.startswith("<", place) else []
        open_readings += [*odd, *literal, *plausible]
    raise MarkupError(f"the markup does not give the text from character {furthest + 1} on")


def read_line(line: str) -> tuple[str, list[Entity]]:
    """The text and the entities of one marked line.

    Raises MarkupError where a `<` that is not closed could be markup around markup.
    """
    if line.startswith(ESCAPED):
        return _read_escaped(line.removeprefix(ESCAPED))
    pieces: list[str] = []
    outside: list[str] = []
    entities: list[Entity] = []
    at = length = 0
    for match in _ENTITY.finditer(line):
        before = line[at : match.start()]
        start = length + len(before)
        length = start + len(match[1])
        entities.append(Entity(start, length, match[2]))
        pieces += (before, match[1])
        outside.append(before)
        at = match.end()
    rest = line[at:]
    _check_outside(" ".join([*outside, rest]))
    return "".join([*pieces, rest]), entities


def write_line(text: str, entities: Sequence[Entity]) -> str:
    """The marked line of a text, escaped only if it must be; `entities` are sorted, none overlap.

    The line holds no new line, and reads back to exactly this text and these entities.
    """
    line = _marked(text, entities, str)
    try:
        if "\n" not in line and not line.endswith("\r") and not line.startswith("\ufeff"):
            back = read_line(line)
            if back == (text, list(entities)) and line.strip():
                return line
    except MarkupError:
        pass
    return ESCAPED + _marked(text, entities, _escape)


def count_markup(line: str) -> int:
    """How many entities a line seems to have marked: enough to tell a format by."""
    return len(_ENTITY.findall(line))


def _check_outside(outside: str) -> None:
    sign = outside.find("<")
    if sign >= 0 and (close := _CLOSE.search(outside, sign)):
        raise MarkupError(
            f"{_short(outside[sign : close.end()])!r} could be markup with markup in it; begin "
            f"the line with {ESCAPED} and write a < that is text as \\<"
        )


def _candidates(text: str, place: int, marked: str, sign: int) -> list[tuple[Entity, int]]:
    """The entities that the `<` at `sign` can open at `place`, with where their markup ends."""
    found = []
    start = sign + 1
    colon = marked.find(":", start + 1)
    while colon >= 0 and text.startswith(marked[start:colon], place):
        close = marked.find(">", colon)
        if close < 0:
            break
        label = marked[colon + 1 : close]
        if label.strip() and not set("<:") & set(label):
            found.append((Entity(place, place + colon - start, label.strip()), close + 1))
        colon = marked.find(":", colon + 1)
    return found


def _is_balanced(surface: str) -> bool:
    depth = 0
    for character in surface:
        depth += (character == "<") - (character == ">")
        if depth < 0:
            return False
    return depth == 0


def _read_escaped(line: str) -> tuple[str, list[Entity]]:
    text, label = "", ""
    state = "outside"
    start = 0
    entities: list[Entity] = []
    for piece in _PIECE.findall(line):
        if piece == "<" and state == "outside":
            state, start = "surface", len(text)
        elif piece == ":" and state == "surface":
            state, label = "label", ""
        elif piece == ">" and state == "label":
            if start == len(text) or not label:
                raise MarkupError(f"markup without a text or a label: {_short(line)!r}")
            entities.append(Entity(start, len(text), label))
            state = "outside"
        elif piece in "<>" or (piece == ":" and state == "label"):
            raise MarkupError(f"{piece!r} must be written as '\\{piece}' here: {_short(line)!r}")
        else:
            meant = _meaning(piece)
            if state == "label":
                label += meant
            else:
                text += meant
    if state != "outside":
        raise MarkupError(f"markup that is not closed: {_short(line)!r}")
    return text, entities


def _meaning(piece: str) -> str:
    if not piece.startswith("\\"):
        return piece
    if piece[1:] not in _MEANING:
        raise MarkupError(f"{piece!r} is no escape; a backslash is written twice")
    return _MEANING[piece[1:]]


def _marked(text: str, entities: Sequence[Entity], escape: Callable[[str], str]) -> str:
    line, at = "", 0
    for entity in entities:
        line += escape(text[at : entity.start])
        line += f"<{escape(text[entity.start : entity.end])}:{escape(entity.label)}>"
        at = entity.end
    return line + escape(text[at:])


def _escape(text: str) -> str:
    return "".join(_ESCAPE.get(character, character) for character in text)


def _short(line: str) -> str:
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
