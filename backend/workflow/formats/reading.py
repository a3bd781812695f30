"""Read any file, archive or folder: found out what it is, every record given, damage told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from backend.errors import InvalidInputError
from backend.workflow.formats.bundle import open_bundle
from backend.workflow.formats.detection import MEMBERS_LOOKED_AT, detect, detect_together
from backend.workflow.formats.encoding import UnknownEncodingError
from backend.workflow.formats.format import Format
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.registry import FORMATS
from backend.workflow.formats.source import DAMAGED, Advance, ReadOptions, Source


@dataclass(frozen=True, slots=True)
class OpenFile:
    """What was found of a path, and its records; `size` is what reading tells `advance`."""

    format: Format
    encoding: str
    compression: str
    size: int
    records: Iterator[DocumentRecord | RefusedLine]

    def __str__(self) -> str:
        packed = "" if self.compression == "plain" else f", {self.compression}"
        return f"{self.format.NAME}, {self.encoding}{packed}"


@contextmanager
def open_records(
    path: Path,
    format: Format | None = None,
    options: ReadOptions = ReadOptions(),
    advance: Advance = lambda count: None,
    formats: Sequence[Format] = FORMATS,
) -> Iterator[OpenFile]:
    """Open a path of any format; raises InvalidInputError when it cannot be told what it is.

    One member of an archive or a folder that cannot be read is refused and the others go on.
    """
    with open_bundle(path, options, advance) as bundle:
        if not bundle.sources:
            raise InvalidInputError(f"{path.name} holds no file")
        format = format or _detect(bundle.sources, formats)
        encoding = "binary" if not _is_text(format) else _encoding(bundle.sources)
        records = _all_records(bundle.sources, format)
        yield OpenFile(format, encoding, bundle.compression, bundle.size, records)


def read_path(path: Path, format: Format | None = None) -> Iterator[DocumentRecord | RefusedLine]:
    """All records of a path; raises InvalidInputError when it cannot be told what it is."""
    with open_records(path, format) as opened:
        yield from opened.records


def _detect(sources: Sequence[Source], formats: Sequence[Format]) -> Format:
    if not sources[0].alone:
        return detect_together(sources, formats)
    try:
        return detect(sources[0], formats)
    except DAMAGED as error:
        raise InvalidInputError(f"{sources[0].name} is damaged: {error}") from error


def _encoding(sources: Sequence[Source]) -> str:
    """That of the first source in which it can be told."""
    for source in sources[:MEMBERS_LOOKED_AT]:
        with suppress(*DAMAGED, UnknownEncodingError):
            return str(source.encoding)
    return "of no known encoding"


def _all_records(
    sources: Sequence[Source], format: Format
) -> Iterator[DocumentRecord | RefusedLine]:
    for source in sources:
        last = 0
        try:
            for record in format.read(source):
                last = record.line
                yield record
        except DAMAGED as error:
            reason = f"damaged after this, the rest cannot be read: {error}"
            yield RefusedLine(source.name, last, reason)
        except InvalidInputError as error:
            if source.alone:
                raise
            yield RefusedLine(source.name, 0, str(error))


def _is_text(format: Format) -> bool:
    return format.NAME != "parquet"
