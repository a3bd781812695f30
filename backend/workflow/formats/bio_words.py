"""Column files by word, tagged in BIO or IOB1: CoNLL-2003, Korean by eojeol. See columns.py."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from backend.workflow.formats import column_writing, columns
from backend.workflow.formats.format import ExportDocument, Loss, WriteOptions
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "bio-words"
DESCRIPTION = "Column file by word (eojeol): BIO or IOB1 tags, CoNLL-2003 known; written as BIO"
EXTENSIONS = columns.EXTENSIONS


def detect(head: str, name: str) -> float:
    """Sure of rows of this kind whose tags follow BIO or IOB1."""
    return columns.detect(head, "words", ("BIO", "IOB1"))


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """Whatever the scheme: it is found from the tags."""
    return columns.read(source, "words")


def write(
    documents: Iterable[ExportDocument],
    out: BinaryIO,
    options: WriteOptions = WriteOptions(),
) -> Iterator[Loss]:
    """In BIO; what rows cannot hold is told."""
    return column_writing.write(documents, out, "words", "BIO")
