"""Parquet of tokens and tags, or of texts, as Hugging Face datasets are published."""

from collections.abc import Iterator

from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source

NAME = "parquet"
DESCRIPTION = "Parquet of tokens and tags (Hugging Face)"
EXTENSIONS = (".parquet",)


def detect(head: str, name: str) -> float:
    """Never by text: detection.py knows its first bytes."""
    return 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The rows of a file."""
    raise NotImplementedError
