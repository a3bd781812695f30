"""What a format reads from: one file, or one member of an archive or a folder.

A plain file, a gzip file, every member of a zip and every file below a folder (bundle.py) look
alike here: bytes that are streamed, and lines that are decoded.
"""

import io
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, TextIO

from backend.workflow.formats.encoding import (
    ESCAPE,
    Encoding,
    encode,
    find_encoding,
    named_encoding,
)

HEAD = 1 << 16  # bytes by which a format is told
BUFFER = 1 << 18
DAMAGED = (EOFError, OSError, zlib.error, zipfile.BadZipFile)  # what reading a damaged file raises

Advance = Callable[[int], None]  # is told a number of bytes


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What a person says about a file: its encoding, the columns of a table, the names of tags."""

    encoding: str | None = None
    text_column: str | None = None
    id_column: str | None = None
    tag_names: tuple[str, ...] | None = None


class Source:
    """One stream of documents; `name` is what refusals call it.

    `advance` is told how many bytes were read, by those who read documents and not by those who
    only look at the beginning.
    """

    def __init__(
        self,
        name: str,
        compression: str,
        open_stream: Callable[[Advance], BinaryIO],
        *,
        options: ReadOptions = ReadOptions(),
        advance: Advance = lambda count: None,
        find: Callable[[str], "Source | None"] = lambda suffix: None,
        alone: bool = True,
    ):
        self.name, self.compression, self.options = name, compression, options
        self.alone = alone  # False for a member of an archive or a folder
        self._open, self._find, self._advance = open_stream, find, advance

    @cached_property
    def encoding(self) -> Encoding:
        """Found from the bytes, or as named; raises InvalidInputError when it cannot be told."""
        with self._open(_ignore) as file:
            if self.options.encoding is not None:
                return named_encoding(self.options.encoding, file)
            return find_encoding(file, self.name)

    @cached_property
    def magic(self) -> bytes:
        """The first four bytes."""
        with self._open(_ignore) as file:
            return file.read(4)

    def head(self, size: int = HEAD) -> str:
        """The beginning, decoded: at most `size` bytes of it."""
        with self._open(_ignore) as file:
            file.read(len(self.encoding.mark))
            text = file.read(size).decode(self.encoding.codec, ESCAPE)
        return text.rstrip("".join(map(chr, range(0xDC00, 0xDD00))))  # a character cut in two

    def beside(self, suffix: str) -> "Source | None":
        """The file of the same name with another suffix, where this one came from."""
        return self._find(suffix)

    @contextmanager
    def open_bytes(self) -> Iterator[BinaryIO]:
        """The bytes as they are, decompressed."""
        with self._open(self._advance) as file:
            yield file

    @contextmanager
    def open_utf8(self) -> Iterator[BinaryIO]:
        """The text in UTF-8 without a mark; bytes that could not be decoded stay as they were."""
        with self.open_bytes() as file:
            file.read(len(self.encoding.mark))
            if self.encoding.codec == "utf-8":
                yield file
                return
            text = io.TextIOWrapper(file, self.encoding.codec, ESCAPE, newline="")
            with io.BufferedReader(_Encoded(text), BUFFER) as read:
                yield read

    @contextmanager
    def open_seekable(self) -> Iterator[BinaryIO]:
        """The bytes in a file that can be sought in, which an archive's member cannot well."""
        if self.compression == "plain":
            with self.open_bytes() as file:
                yield file
            return
        with tempfile.TemporaryFile() as copy, self.open_bytes() as file:
            shutil.copyfileobj(file, copy, BUFFER)
            copy.seek(0)
            yield copy

    def lines(self, *, keep_ends: bool = False) -> Iterator[tuple[int, str]]:
        """Numbered from 1, decoded, without their end (newline, or return and newline).

        Nothing else ends a line. Bytes that cannot be decoded are lone surrogates in it (see
        encoding.py), which `checks.document` refuses.
        """
        with self.open_bytes() as file:
            file.read(len(self.encoding.mark))
            with io.TextIOWrapper(file, self.encoding.codec, ESCAPE, newline="\n") as text:
                for number, line in enumerate(text, start=1):
                    yield number, line if keep_ends else line.removesuffix("\n").removesuffix("\r")

    def utf8_lines(self) -> Iterator[tuple[int, bytes]]:
        """The same lines in UTF-8 with their ends, without decoding what need not be."""
        with self.open_utf8() as file:
            yield from enumerate(file, start=1)

    def text(self) -> str:
        """All of it, decoded, nothing translated: for files of one document."""
        with self.open_utf8() as file:
            return file.read().decode("utf-8", ESCAPE)


def counted(file: BinaryIO, advance: Advance) -> BinaryIO:
    """The same file, telling `advance` of the bytes that are read from it."""
    return io.BufferedReader(_Counted(file, advance), BUFFER)


def _ignore(count: int) -> None:
    pass


class _Counted(io.RawIOBase):
    """Passes bytes on and tells how many."""

    def __init__(self, file: BinaryIO, advance: Callable[[int], None]):
        self._file, self._advance = file, advance

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._advance(len(data))
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Encoded(io.RawIOBase):
    """The UTF-8 of decoded text."""

    def __init__(self, text: TextIO):
        self._text, self._rest = text, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = encode(self._text.read(len(buffer) // 4 + 1))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
