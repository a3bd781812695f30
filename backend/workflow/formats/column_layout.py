"""How the lines of a column file are laid out: the token first, its tag last.

Columns stand apart by one tab each, or by spaces. A token may be a blank: KLUE and our own files
have a row for every space of a text. Weibo's tokens carry a segment digit, the character's place
in its word, sometimes two digits long; it counts up from 0, which tells it from a digit of the
text.

A refused sentence alone would not show how its file was made: a comment over it says so, and a
file with such a comment is read as it says.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import get_args
from unicodedata import normalize

from backend.workflow.formats.tag_schemes import (
    SchemeName,
    SchemeVotes,
    Tag,
    TagError,
    TagScheme,
    read_tag,
)

DOCUMENT_START = "-DOCSTART-"
_HAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
_LETTER = re.compile(r"[^\W\d_]")
_MOST = 0.8  # share of sentences whose segment digits count up: the others are damaged
_REPLACED = "\ufffd"
_SEGMENTED = re.compile(r".\D*\d{1,3}", re.DOTALL)
_MADE_AS = "# goldloop columns: "
_SEPARATORS = {"tab": "\t", "space": " "}


class RowError(ValueError):
    """A line that is no row; `place` counts from 0 in its block."""

    def __init__(self, reason: str, place: int):
        self.place = place
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Layout:
    """The separator (a tab or a space), the number of columns, whether tokens have segment
    digits, and the token's column; the tag is in the last.
    """

    separator: str
    columns: int
    segments: bool = False
    token: int = 0

    def rows(self, lines: Sequence[str]) -> tuple[list[str], list[str]]:
        """The tokens and the tags of a block; raises RowError at the first line that is no row."""
        tokens, tags = [], []
        segment = -1
        for place, line in enumerate(lines):
            token, tag = self._row(line, place)
            if self.segments:
                token, segment = _without_segment(token, segment, place)
            if not token:
                raise RowError("a row without a token", place)
            tokens.append(token)
            tags.append(tag)
        return tokens, tags

    def _row(self, line: str, place: int) -> tuple[str, str]:
        if self.columns == 2:
            token, between, tag = line.rstrip().rpartition(self.separator)
            if self.separator == " ":
                token = token.rstrip(" ") or token
            if not between or (self.separator in token and token.strip(self.separator)):
                raise RowError(_count(len(line.split(self.separator)), 2), place)
            return token, tag  # which may be the separator itself: a blank of the text
        fields = line.split("\t") if self.separator == "\t" else line.split()
        if len(fields) != self.columns:
            raise RowError(_count(len(fields), self.columns), place)
        return fields[self.token], fields[-1].strip()


@dataclass(frozen=True, slots=True)
class Survey:
    """What the beginning of a column file shows; shares are in [0, 1].

    `rows` is the share of lines that are rows, `sound` that of sentences that hold only rows,
    `single` the share of tokens of one character, `han` that of Chinese and Japanese letters
    among all letters, `counted` whether the first column counts the tokens.
    """

    layout: Layout
    scheme: TagScheme
    rows: float
    sound: float
    single: float
    han: float
    counted: bool
    kind: str | None = None  # as a comment over refused rows says

    def comment(self, kind: str) -> str:
        """What is written over refused rows, so that they are read as those of their file."""
        layout = self.layout
        separator = "tab" if layout.separator == "\t" else "space"
        segments = " segments" * layout.segments
        return f"{_MADE_AS}{kind} {self.scheme.name} {layout.columns} {separator}{segments}"


@dataclass(frozen=True, slots=True)
class _Made:
    """What such a comment says."""

    kind: str
    scheme: TagScheme
    layout: Layout


def survey(lines: Sequence[str]) -> Survey | None:
    """Look at the beginning of a file; None when it holds no rows at all."""
    sentences = _sentences(lines)
    told = next((made for line in lines if (made := _made_as(line))), None)
    layout = told.layout if told else _layout([line for sentence in sentences for line in sentence])
    if layout is None or any(line.startswith("## ") and is_comment(line) for line in lines):
        return None  # corpora with headers over their rows have formats of their own
    votes = SchemeVotes()
    tokens: list[str] = []
    sound = segmented = 0
    for sentence in sentences:
        found = [row for line in sentence if (row := _row(layout, line))]
        votes.add([tag for _, tag in found])
        sound += len(found) == len(sentence)
        names = [token for token, _ in found]
        segmented += bool(names) and _is_segmented(names)
        tokens += names
    if not tokens and not told:
        return None
    if layout.segments or (not told and segmented > len(sentences) * _MOST):
        layout = replace(layout, segments=True)
        tokens = [token.rstrip("0123456789") or token[0] for token in tokens]
    letters = _LETTER.findall("".join(tokens))
    return Survey(
        layout,
        told.scheme if told else votes.scheme(),
        rows=len(tokens) / max(1, sum(map(len, sentences))),
        sound=sound / max(1, len(sentences)),
        single=sum(map(_is_character, tokens)) / max(1, len(tokens)),
        han=sum(1 for letter in letters if _HAN.match(letter)) / max(1, len(letters)),
        counted=layout.columns > 2 and all(token.isdecimal() for token in tokens),
        kind=told.kind if told else None,
    )


def without_comment(lines: list[str]) -> list[str]:
    """The lines of a block without ours of how they are to be read, which refusals write anew."""
    return [line for line in lines if not line.startswith(_MADE_AS)]


def is_document_start(line: str, together: int = 1) -> bool:
    """Whether a line is CoNLL's mark between documents, which is no row of a sentence.

    It has columns of its own, or stands alone; `together` counts the lines of its block.
    """
    if not line.startswith(DOCUMENT_START):
        return False
    fields = line.rstrip("\r\n").replace("\t", " ").split(" ")  # other white space is a token's
    return fields[0] == DOCUMENT_START and (together == 1 or len(fields) > 2)


def is_comment(line: str) -> bool:
    """Whether a line begins with `#` and is no row of a token `#`."""
    if not line.startswith("#"):
        return False
    try:
        read_tag(line.rpartition("\t" if "\t" in line else " ")[2].strip())
    except TagError:
        return True
    return False


def _made_as(line: str) -> _Made | None:
    """What a comment over refused rows says of their file."""
    words = line.removeprefix(_MADE_AS).split() if line.startswith(_MADE_AS) else []
    if len(words) not in (4, 5) or not words[2].isdecimal() or words[3] not in _SEPARATORS:
        return None
    scheme = next((name for name in get_args(SchemeName) if name == words[1]), None)
    if scheme is None or int(words[2]) < 2:
        return None
    segments = words[4:] == ["segments"]
    layout = Layout(_SEPARATORS[words[3]], int(words[2]), segments)
    return _Made(words[0], TagScheme(scheme), layout)


def _sentences(lines: Iterable[str]) -> list[list[str]]:
    sentences: list[list[str]] = [[]]
    for line in lines:
        if not line or line.isspace():
            sentences.append([])
        elif not is_document_start(line) and not is_comment(line):
            sentences[-1].append(line)
    return [sentence for sentence in sentences if sentence]


def _layout(lines: Sequence[str]) -> Layout | None:
    """Separator and number of columns of most lines; None when there are no columns."""
    separator = "\t" if sum("\t" in line for line in lines) * 2 > len(lines) else " "
    counts = Counter(
        len(line.split("\t") if separator == "\t" else line.split())
        for line in lines
        if separator == " " or "\t" in line.strip("\t")  # a tab of the text counts for nothing
    )
    if not counts:
        return None
    columns = min(counts, key=lambda count: (-counts[count], count))
    return Layout(separator, columns) if columns > 1 else None


def _row(layout: Layout, line: str) -> tuple[str, Tag] | None:
    try:
        (token,), (tag,) = layout.rows([line])
        return token, read_tag(tag)
    except (RowError, TagError):
        return None


def _is_character(token: str) -> bool:
    """Whether people see one character: a decomposed syllable is one, too."""
    return len(token) == 1 or (len(token) < 4 and len(normalize("NFC", token)) == 1)


def _is_segmented(tokens: Sequence[str]) -> bool:
    segment = -1
    try:
        for token in tokens:
            if not _SEGMENTED.fullmatch(token):
                return False
            _, segment = _without_segment(token, segment, 0)
    except RowError:
        return False
    return True


def _without_segment(token: str, before: int, place: int) -> tuple[str, int]:
    """The token without its segment digits, and the segment; `before` is the last one."""
    for segment in (before + 1, 0):
        if token.endswith(str(segment)) and len(token) > len(str(segment)):
            character = token.removesuffix(str(segment))
            return _REPLACED if character == _REPLACED * 2 else character, segment
    raise RowError(f"{token!r} does not end in its segment, which is {before + 1} or 0", place)


def _count(found: int, expected: int) -> str:
    return f"{found} columns where the file has {expected}"
