"""kmounlp's corpus: three header lines over the rows of a morphological analysis.

    ## 1
    ## 오에 겐자부로는 일본 …
    ## <오에 겐자부로:PER>는 <일본:LOC> …
    오에	오에	NNG	B-PER

Text and entities are those of the headers, which fit together character for character. The rows
are not read: their morphemes are analysed (담기+ㄴ) and need not spell the text. Numbers begin
anew in each file, so a document's id is the file's name with its number.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from backend.workflow.formats import checks
from backend.workflow.formats.blocks import Block, blocks
from backend.workflow.formats.markup import MarkupError, align
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "kmounlp"
DESCRIPTION = "kmounlp: ## number, ## text, ## marked text, then rows of morphemes"
EXTENSIONS = (".txt",)
_HEADER = "## "
_HEADERS = 3
_NUMBER = re.compile(r"## \d+\s*")


def detect(head: str, name: str) -> float:
    """Sure of three lines of `## `, the first a number."""
    lines = [line for line in head.split("\n") if line.strip()][:_HEADERS]
    sound = len(lines) == _HEADERS and all(line.startswith(_HEADER) for line in lines)
    return 1.0 if sound and _NUMBER.fullmatch(lines[0]) else 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The documents of the headers, in order; one whose headers do not fit together is refused."""
    last = -1
    for block in blocks(source.lines(), _begins):
        number = _number(block)
        again = number is not None and number <= last
        yield _document(source.name, block, number, again)
        last = number if number is not None else last


def _begins(line: str, before: list[str]) -> bool:
    return len(before) > _HEADERS and _NUMBER.fullmatch(line) is not None


def _number(block: Block) -> int | None:
    first = block.lines[0]
    return int(first.removeprefix(_HEADER)) if _NUMBER.fullmatch(first) else None


def _file(name: str) -> str:
    """The file's name without its extension; a file of mended documents is called as the first."""
    path = PurePosixPath(name)
    while path.suffix in (".txt", ".gz", ".refused"):
        path = path.with_suffix("")
    return path.name


def _document(
    name: str, block: Block, number: int | None, again: bool
) -> DocumentRecord | RefusedLine:
    headers = block.lines[:_HEADERS]
    if number is None or len(headers) < _HEADERS:
        reason = "a document must begin with three lines: ## number, ## text, ## marked text"
        return RefusedLine(name, block.line, reason, block.raw)
    for place, header in enumerate(headers):
        if not header.startswith(_HEADER):
            reason = f"header line {place + 1} does not begin with {_HEADER!r}"
            return RefusedLine(name, block.line + place, reason, block.raw)
    text, marked = (header.removeprefix(_HEADER) for header in headers[1:])
    try:
        entities = align(text, marked)
    except MarkupError as error:
        return RefusedLine(name, block.line + 2, str(error), block.raw)
    external_id = f"{_file(name)}-{number}"
    return checks.document(
        file=name,
        line=block.line,
        text=text,
        external_id=f"{external_id}-{block.line}" if again else external_id,
        entities=[entity.to_dict() for entity in entities],
        raw=block.raw,
    )
