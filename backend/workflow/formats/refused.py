"""Refused records, written beside their file so that they can be mended and imported again.

What was an object of JSON becomes a line of `FILE.refused.jsonl` with the reason under the key
`refused`, which every reader of JSON overlooks. What was lines of text becomes the same lines in
`FILE.refused.EXT`, with the reasons in `FILE.refused.reasons.txt`. Nothing refused: no file, and
those of an earlier import are removed. Where the file's folder may not be written to, the
present one is taken.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson

from backend.workflow.formats.encoding import encode
from backend.workflow.formats.record import RefusedLine

REFUSED = "refused"  # the key under which a refused record carries its reason


class RefusedFiles:
    """The files of one import, written as refusals come and in place when the import ends."""

    def __init__(self, imported: Path):
        name, extension = imported.name, imported.suffix.lower()
        if extension in ("", ".gz", ".zip", ".jsonl"):
            extension = ".txt"
        folder = imported.parent if os.access(imported.parent, os.W_OK) else Path.cwd()
        self.objects = folder / f"{name}.refused.jsonl"
        self.lines = folder / f"{name}.refused{extension}"
        self.reasons = folder / f"{name}.refused.reasons.txt"
        self.written: list[Path] = []
        self._open: dict[Path, BinaryIO] = {}

    def add(self, refused: RefusedLine) -> None:
        """Write one refusal."""
        if isinstance(refused.raw, dict):
            record = {REFUSED: _where(refused), **_without_reason(refused.raw)}
            self._file(self.objects).write(_json(record) + b"\n")
            return
        if refused.raw:
            self._file(self.lines).write(encode(refused.raw.rstrip("\n")) + b"\n\n")
        self._file(self.reasons).write(encode(f"{refused}\n"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for path in (self.objects, self.lines, self.reasons):
            file = self._open.get(path)
            if file is None and kind is None:
                path.unlink(missing_ok=True)
            elif file is None:
                continue  # it broke off: what an earlier import refused stays
            else:
                file.close()
                _partial(path).replace(path)
                self.written.append(path)

    def _file(self, path: Path) -> BinaryIO:
        if path not in self._open:
            self._open[path] = _partial(path).open("wb")
        return self._open[path]


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.partial")


def _where(refused: RefusedLine) -> str:
    return f"{refused.unit} {refused.line}: {refused.reason}" if refused.line else refused.reason


def _without_reason(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != REFUSED}


def _json(record: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(record, default=str)
    except TypeError:  # half a surrogate pair somewhere: shown, not written
        return orjson.dumps(_printable(record), default=str)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return encode(value).decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {_printable(key): _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return value
