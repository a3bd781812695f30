"""Texts from a stream, one a line: JSON Lines or plain, good lines and bad ones in order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePath
from typing import Any, Literal

from ml_backend.training.files import BYTE_ORDER_MARK, LineError, RefusedLine, read_record

Format = Literal["auto", "jsonl", "plain"]

_BY_SUFFIX: dict[str, Format] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".txt": "plain"}


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text, and the `id` and `group` that it came with."""

    text: str
    names: dict[str, Any] = field(default_factory=dict)


def read_lines(
    stream: Iterable[bytes], name: str, form: Format
) -> Iterator[TextLine | RefusedLine]:
    """Read as much as is asked for; `name` is the file's.

    `auto` goes by the name's suffix, or else takes JSON Lines where the first line that is not
    blank opens an object. A blank line is an empty text if plain, and nothing in JSON Lines.
    """
    numbered = enumerate(stream, start=1)
    if form == "auto":
        form = _BY_SUFFIX.get(PurePath(name).suffix.lower(), "auto")
    if form == "auto":
        read = []
        for number, line in numbered:
            read.append((number, line))
            if line.strip():
                break
        opens = bool(read) and read[-1][1].removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{")
        form = "jsonl" if opens else "plain"
        rest: Iterable[tuple[int, bytes]] = chain(read, numbered)
    else:
        rest = numbered
    for number, line in rest:
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if form == "jsonl" and not line.strip():
            continue
        try:
            yield _from_json(line) if form == "jsonl" else _plain(line)
        except LineError as error:
            yield RefusedLine(name, number, str(error))


def _from_json(line: bytes) -> TextLine:
    record, text = read_record(line)
    return TextLine(text, {name: record[name] for name in ("id", "group") if name in record})


def _plain(line: bytes) -> TextLine:
    """The line without its end, which may be that of a DOS file."""
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    try:
        return TextLine(line.decode())
    except UnicodeDecodeError as error:
        raise LineError(f"not UTF-8: {error}") from error
