"""A release in any format, made while it is sent: constant memory, and nothing left on a disk."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
from flask import Response

from backend.workflow.formats.format import WritableFormat, WriteOptions
from backend.workflow.releases.export import loss_record
from backend.workflow.releases.read import released_documents

_CHUNK = 256 * 1024  # bytes


class _Counted(RawIOBase):
    """A pipe's end that knows how much was written to it, as formats made of parts must."""

    def __init__(self, file: BinaryIO):
        self._file, self._at = file, 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self._at += memoryview(data).nbytes
        return memoryview(data).nbytes

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        self._file.flush()


class _Nowhere(_Counted):
    """Takes everything and keeps nothing."""

    def __init__(self) -> None:
        super().__init__(cast(BinaryIO, None))

    def write(self, data: Any) -> int:
        self._at += memoryview(data).nbytes
        return memoryview(data).nbytes

    def flush(self) -> None:
        """Nothing is held."""


def converted(
    folder: Path, splits: tuple[str, ...], format: WritableFormat, options: WriteOptions, name: str
) -> Response:
    """The answer that sends these splits as one file of a format."""

    def write(out: BinaryIO) -> None:
        documents = (one.to_export() for one in released_documents(folder, splits))
        for _loss in format.write(documents, out, options):
            pass  # told by `losses`

    return _sent(_piped(write), f"{name}{format.EXTENSIONS[0]}", "application/octet-stream")


def losses(
    folder: Path, splits: tuple[str, ...], format: WritableFormat, options: WriteOptions, name: str
) -> Response:
    """The answer that tells what a format cannot hold of these splits, a JSON object a line."""

    def lines() -> Iterator[bytes]:
        documents = (one.to_export() for one in released_documents(folder, splits))
        for loss in format.write(documents, cast(BinaryIO, _Nowhere()), options):
            yield orjson.dumps(loss_record(loss), option=orjson.OPT_APPEND_NEWLINE)

    return _sent(lines(), f"{name}.losses.jsonl", "application/x-ndjson")


def _sent(content: Iterator[bytes], name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype=kind, headers=headers)


def _piped(write: Callable[[BinaryIO], None]) -> Iterator[bytes]:
    """What a writer writes, while it writes: it waits when the reader does.

    An error of the writer breaks the answer off; a reader that leaves stops the writer.
    """
    reading, writing = os.pipe()
    errors: list[BaseException] = []

    def run() -> None:
        with suppress(BrokenPipeError), os.fdopen(writing, "wb", _CHUNK) as file:
            try:
                write(cast(BinaryIO, _Counted(file)))
            except BrokenPipeError:
                raise
            except BaseException as error:
                errors.append(error)

    writer = threading.Thread(target=run, daemon=True)
    with os.fdopen(reading, "rb", 0) as file:
        writer.start()
        while chunk := file.read(_CHUNK):
            yield chunk
    writer.join()
    if errors:
        raise errors[0]
