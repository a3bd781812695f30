"""What one path holds: a file, or the members of a zip archive or a folder."""

import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from backend.errors import InvalidInputError
from backend.workflow.formats.source import BUFFER, Advance, ReadOptions, Source, counted

_GZIP, _ZIP = b"\x1f\x8b", (b"PK\x03\x04", b"PK\x05\x06")
_LARGEST = 1024**3  # bytes that any packed file may unpack to
_MOST_TIMES = 100  # its own size, for what unpacks to more: text packs 4 to 20 times smaller


@dataclass(frozen=True, slots=True)
class Bundle:
    """The sources below one path, in order of name.

    `size` is the number of bytes that reading all of them tells `advance`; it is compressed bytes
    for gzip, whose length nobody knows before its end.
    """

    path: Path
    compression: str  # plain, gzip, zip; of the files themselves: plain for a folder
    size: int
    sources: list[Source]


@contextmanager
def open_bundle(
    path: Path, options: ReadOptions = ReadOptions(), advance: Advance = lambda count: None
) -> Iterator[Bundle]:
    """Open a file, an archive or a folder; raises InvalidInputError for a damaged archive."""
    if path.is_dir():
        yield _folder(path, options, advance)
        return
    with path.open("rb") as file:
        magic = file.read(4)
    if magic not in _ZIP:
        source = _file(path, path.name, options, advance, alone=True)
        yield Bundle(path, source.compression, path.stat().st_size, [source])
        return
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidInputError(f"{path.name} is a damaged zip archive: {error}") from error
    with archive:
        yield _archive(path, archive, options, advance)


def _file(path: Path, name: str, options: ReadOptions, advance: Advance, alone: bool) -> Source:
    with path.open("rb") as file:
        zipped = file.read(2) == _GZIP

    def find(suffix: str) -> Source | None:
        other = path.with_suffix(suffix)
        if not other.is_file():
            return None
        return _file(other, str(PurePosixPath(name).with_suffix(suffix)), options, advance, alone)

    def open_stream(tell: Advance) -> BinaryIO:
        if zipped:
            return io.BufferedReader(_Gzip(path, tell), BUFFER)
        return counted(path.open("rb"), tell)

    return Source(
        name.removesuffix(".gz") if zipped else name,
        "gzip" if zipped else "plain",
        open_stream,
        options=options,
        advance=advance,
        find=find,
        alone=alone,
    )


def _bounded(packed: int, advance: Advance = lambda count: None) -> Advance:
    """Also stops what unpacks without measure, before it has filled memory or disk: OSError."""
    left = max(_LARGEST, _MOST_TIMES * packed)

    def told(count: int) -> None:
        nonlocal left
        left -= count
        if left < 0:
            raise OSError(f"it unpacks to more than {_MOST_TIMES} times its size")
        advance(count)

    return told


class _Gzip(io.RawIOBase):
    """What a gzip file unpacks to; `advance` is told of the packed bytes."""

    def __init__(self, path: Path, advance: Advance):
        self._below = counted(path.open("rb"), advance)
        self._unpacked = gzip.GzipFile(fileobj=self._below)
        self._told = _bounded(path.stat().st_size)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._unpacked.readinto1(buffer)
        self._told(count)
        return count

    def close(self) -> None:
        self._unpacked.close()
        self._below.close()
        super().close()


def _folder(path: Path, options: ReadOptions, advance: Advance) -> Bundle:
    files = sorted(file for file in path.rglob("*") if file.is_file())
    names = {file: file.relative_to(path).as_posix() for file in files}
    kept = [file for file in files if not _is_left_by_a_system(names[file])]
    sources = [
        _file(file, f"{path.name}/{names[file]}", options, advance, alone=False) for file in kept
    ]
    return Bundle(path, "plain", sum(file.stat().st_size for file in kept), sources)


def _archive(
    path: Path, archive: zipfile.ZipFile, options: ReadOptions, advance: Advance
) -> Bundle:
    members = {_member_name(info): info for info in archive.infolist() if not info.is_dir()}
    names = sorted(name for name in members if not _is_left_by_a_system(name))
    if locked := [name for name in names if members[name].flag_bits & 1]:
        raise InvalidInputError(f"{path.name} is locked with a password: {locked[0]}")

    def source(name: str) -> Source:
        def find(suffix: str) -> Source | None:
            other = str(PurePosixPath(name).with_suffix(suffix))
            return source(other) if other in members else None

        def open_stream(tell: Advance) -> BinaryIO:
            unpacked = cast(BinaryIO, archive.open(members[name]))
            return counted(unpacked, _bounded(members[name].compress_size, tell))

        return Source(
            f"{path.name}/{name}",
            "zip",
            open_stream,
            options=options,
            advance=advance,
            find=find,
            alone=False,
        )

    size = sum(members[name].file_size for name in names)
    return Bundle(path, "zip", size, [source(name) for name in names])


def _member_name(info: zipfile.ZipInfo) -> str:
    """A member's name; old archivers wrote CP949, or UTF-8 without saying so."""
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    for codec in ("utf-8", "cp949"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return info.filename


def _is_left_by_a_system(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts)
