"""CSV and TSV with a header: the text in a named column, the others in `meta`.

The delimiter (comma, tab or semicolon) is found from the header, quotes are those of RFC 4180:
a text in quotes may hold line ends and keeps them exactly. Without --text-column the column must
be called text, sentence, document, content, 문장, 본문 or 텍스트. A column called id, or what
--id-column names, is the document's id.
"""

import csv
from collections.abc import Iterator
from typing import Any

from backend.errors import InvalidInputError
from backend.workflow.formats import checks
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "table"
DESCRIPTION = "CSV or TSV with a named text column"
EXTENSIONS = (".csv", ".tsv")
_FIRST_LINES = 200
_DELIMITERS = "\t,;"
_TEXT_COLUMNS = ("text", "sentence", "document", "content", "문장", "본문", "텍스트")


def detect(head: str, name: str) -> float:
    """By the file's name; a header with a known text column makes it surer."""
    header = _cells(head.split("\n", 1)[0])
    if len(header) > 1 and {cell.lower() for cell in header} & set(_TEXT_COLUMNS):
        return 0.5
    return 0.3 if name.lower().endswith(EXTENSIONS) else 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The rows in order. Raises InvalidInputError when there is no such text column."""
    csv.field_size_limit(checks.TEXT_LENGTH * 4)
    lines = (line for _, line in source.lines(keep_ends=True))
    rows = csv.reader(lines, _dialect(source.head()))
    try:
        header = _distinct(next(rows, []))
    except csv.Error as error:
        raise InvalidInputError(f"{source.name} does not begin with a header: {error}") from error
    text = _column(header, source.options.text_column, _TEXT_COLUMNS, source, "--text-column")
    wanted = source.options.id_column
    identity = (
        _column(header, wanted, (), source, "--id-column")
        if wanted is not None
        else next((at for at, cell in enumerate(header) if cell.lower() == "id"), None)
    )
    while True:
        first = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield RefusedLine(source.name, first, f"not a row: {error}")
            continue
        if not any(cells):
            continue
        raw = _record(header, cells, text, identity)
        if len(cells) != len(header):
            reason = f"{len(cells)} cells where the header has {len(header)}"
            yield RefusedLine(source.name, first, reason, raw)
            continue
        yield checks.document(
            file=source.name,
            line=first,
            text=raw["text"],
            external_id=raw.get("id") or None,
            meta=raw["meta"],
            raw=raw,
        )


def _record(header: list[str], cells: list[str], text: int, identity: int | None) -> dict[str, Any]:
    """A row as a record of our JSON Lines."""
    own = {text: "text", identity: "id"}
    named = dict(zip(header, cells, strict=False))
    record: dict[str, Any] = {
        name: cells[at] for at, name in own.items() if at is not None and at < len(cells)
    }
    meta = {name: cell for name, cell in named.items() if header.index(name) not in own}
    return {"text": None, **record, "meta": meta}


def _column(
    header: list[str], wanted: str | None, usual: tuple[str, ...], source: Source, option: str
) -> int:
    if wanted is None:
        found = [at for at, cell in enumerate(header) if cell.lower() in usual]
        if len(found) == 1:
            return found[0]
    elif wanted in header:
        return header.index(wanted)
    names = ", ".join(map(repr, header[:20]))
    what = f"no column {wanted!r}" if wanted is not None else "no one text column"
    raise InvalidInputError(f"{source.name} has {what} among {names}; name one with {option}")


def _dialect(head: str) -> type[csv.Dialect]:
    """Tab-separated files are seldom quoted: only if that makes every row as wide as the header."""

    class Found(csv.excel):
        delimiter = _delimiter(head.split("\n", 1)[0])
        strict = True

    if Found.delimiter == "\t" and not _is_quoted(head, Found):
        Found.quoting = csv.QUOTE_NONE
    return Found


def _is_quoted(head: str, dialect: type[csv.Dialect]) -> bool:
    rows = csv.reader(head.splitlines(keepends=True)[:_FIRST_LINES], dialect)
    widths: set[int] = set()
    try:
        for row in rows:
            widths.add(len(row))
    except csv.Error as error:
        if "end of data" not in str(error):  # the last row may be cut
            return False
    return len(widths - {0}) == 1


def _distinct(header: list[str]) -> list[str]:
    """Column names of which no two are the same."""
    return [f"{name} ({at})" if name in header[:at] else name for at, name in enumerate(header)]


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(_delimiter(line))]
