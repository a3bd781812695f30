"""Sentences that stages keep in English, such as the gate's reasons, in the reader's language.

A stage knows no reader: what it writes is found here by its pattern, and unknown sentences are
shown as they were written.
"""

import re

from flask_babel import gettext

from backend.admin.frame.language import language
from backend.admin.words.kept_sentences import SENTENCES
from backend.admin.words.words import word


def told(sentence: str) -> str:
    """A kept sentence as the reader's language has it.

    What a worker wrote begins with the kind of its error: that stays where nobody knows the rest.
    """
    if language() == "en":
        return sentence
    return _known(sentence) or _known(_KIND.sub("", sentence)) or sentence


def sentence_of(kept: object) -> str:
    """What a stage says or raises, as a sentence of a page; a name at its head stays as it is."""
    said = told(str(kept)).removesuffix(".")
    first = said.partition(" ")[0]
    return f"{said[:1].upper()}{said[1:]}." if first.isalpha() else f"{said}."


def _known(sentence: str) -> str | None:
    for pattern, msgid in _PATTERNS:
        found = pattern.fullmatch(sentence)
        if found:
            inner = {name: _inner(name, its) for name, its in found.groupdict().items()}
            return gettext(msgid, **inner)
    return None


def _inner(name: str, value: str) -> str:
    """What stands inside of a sentence: another one, a state, or what is the same everywhere."""
    if name in ("found", "reason"):
        return told(value)
    return word(value) if name in ("state", "kind", "done", "role") else value


def _pattern(msgid: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", msgid)
    parts[::2] = map(re.escape, parts[::2])
    parts[1::2] = (f"(?P<{name}>.+)" for name in parts[1::2])
    return re.compile("".join(parts), re.DOTALL)


_KIND = re.compile(r"^[A-Z]\w*(?:Error|Exception): ")
_PATTERNS = [(_pattern(sentence), sentence) for sentence in SENTENCES]
