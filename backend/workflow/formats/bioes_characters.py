"""Column files by character, tagged in BIOES or BILOU. See columns.py."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from backend.workflow.formats import column_writing, columns
from backend.workflow.formats.format import ExportDocument, Loss, WriteOptions
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "bioes-characters"
DESCRIPTION = "Column file by character: BIOES, BMES or BILOU tags; written as BIOES"
EXTENSIONS = columns.EXTENSIONS


def detect(head: str, name: str) -> float:
    """Sure of rows of this kind whose tags follow BIOES or BILOU."""
    return columns.detect(head, "characters", ("BIOES", "BILOU"))


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """Whatever the scheme: it is found from the tags."""
    return columns.read(source, "characters")


def write(
    documents: Iterable[ExportDocument],
    out: BinaryIO,
    options: WriteOptions = WriteOptions(),
) -> Iterator[Loss]:
    """In BIOES; what rows cannot hold is told."""
    return column_writing.write(documents, out, "characters", "BIOES")
