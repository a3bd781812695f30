"""A document a line with its entities marked in it: `<28일:DAT> 서울에서`. See markup.py.

Every document has its entities here: a line without markup has none, which is not the same as
plain text. No line holds an id, which is told as a loss.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from backend.workflow.formats import checks
from backend.workflow.formats.format import ExportDocument, Loss, WriteOptions
from backend.workflow.formats.losses import held_entities, lost_data, lost_id
from backend.workflow.formats.markup import (
    ESCAPED,
    MarkupError,
    count_markup,
    read_line,
    write_line,
)
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "inline"
DESCRIPTION = "A document a line with its entities marked: <28일:DAT> 서울에서"
EXTENSIONS = (".inline", ".txt")
_LINES = 200  # of the head that are looked at
_OTHERS = ("## ", "; ", "$", "{", "[")  # what other formats with markup, and JSON, begin with


def detect(head: str, name: str) -> float:
    """Sure of escaped lines, fairly sure where every third line has markup."""
    lines = [line for line in head.split("\n")[:_LINES] if line.strip()]
    if not lines or lines[0].startswith(_OTHERS) or any("\u241e" in line for line in lines):
        return 0.0
    if any(line.startswith(ESCAPED) for line in lines):
        return 0.9
    marked = sum(count_markup(line) > 0 for line in lines)
    if marked * 3 >= len(lines):
        return 0.8
    return 0.3 if marked * 20 >= len(lines) else 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The lines in order, good and refused; blank lines are skipped."""
    for number, line in source.lines():
        if not line or line.isspace():
            continue
        try:
            text, entities = read_line(line)
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


def write(
    documents: Iterable[ExportDocument],
    out: BinaryIO,
    options: WriteOptions = WriteOptions(),
) -> Iterator[Loss]:
    """Write a line for each document; entities that overlap one before them are told."""
    for document in documents:
        yield from lost_id(document, "inline markup")
        yield from lost_data(document, "inline markup")
        entities = yield from held_entities(document)
        out.write(f"{write_line(document.text, entities)}\n".encode())
