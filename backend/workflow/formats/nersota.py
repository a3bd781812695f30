"""NERSOTA: a document a line, the text, `␞` (U+241E), and the text with markup.

`최예나는 24살이고␞<최예나:PER>는 <24살:QTT>이고`. The plain text is kept and tells which `<` are
markup; a line whose two halves do not fit together is refused.
"""

from collections.abc import Iterator

from backend.workflow.formats import checks
from backend.workflow.formats.markup import MarkupError, align
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "nersota"
DESCRIPTION = "NERSOTA: text␞<text:TAG> a line"
EXTENSIONS = (".txt",)
SEPARATOR = "\u241e"


def detect(head: str, name: str) -> float:
    """Sure of lines with one separator each."""
    lines = [line for line in head.split("\n") if line.strip()]
    both = sum(line.count(SEPARATOR) == 1 for line in lines)
    return 1.0 if both and both * 2 >= len(lines) else 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The lines in order, good and refused; blank lines are skipped."""
    for number, line in source.lines():
        if not line or line.isspace():
            continue
        text, separator, marked = line.partition(SEPARATOR)
        if not separator or SEPARATOR in marked:
            reason = f"the line must hold {SEPARATOR} once, between a text and its markup"
            yield RefusedLine(source.name, number, reason, line)
            continue
        try:
            entities = align(text, marked)
        except MarkupError as error:
            yield RefusedLine(source.name, number, str(error), line)
            continue
        yield checks.document(
            file=source.name,
            line=number,
            text=text,
            entities=[entity.to_dict() for entity in entities],
            raw=line,
        )
