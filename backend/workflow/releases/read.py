"""The documents of a release from its files, in order."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from backend.errors import InvalidInputError
from backend.workflow.formats.format import ExportDocument
from backend.workflow.releases.content import SPLITS, gold_file
from backend.workflow.releases.manifest import Manifest
from ml_backend.contract.entity import Entity


@dataclass(frozen=True, slots=True)
class ReleasedDocument:
    """One document of a release as its line has it."""

    split: str
    record: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def entities(self) -> list[Entity]:
        """Sorted, as they stand."""
        length = len(self.record["text"])
        return [Entity.from_dict(record, length=length) for record in self.record["entities"]]

    def to_export(self) -> ExportDocument:
        """For the formats."""
        its = self.record
        silent = tuple(its.get("not_annotated", ()))
        return ExportDocument(self.id, its["text"], self.entities, its.get("meta", {}), silent)


def released_documents(folder: Path, splits: Sequence[str] = SPLITS) -> Iterator[ReleasedDocument]:
    """The documents of these splits by id, in the order of the ids' JSON, in constant memory.

    Raises InvalidInputError at a line that cannot be read.
    """
    yield from heapq.merge(*(_split(folder, split) for split in splits), key=order_of)


def order_of(document: ReleasedDocument) -> bytes:
    """What the lines of a release are sorted by."""
    return orjson.dumps(document.id) + b","


def count_documents(manifest: Manifest, splits: Sequence[str] = SPLITS) -> int:
    """How many documents these splits hold."""
    return sum(manifest["splits"][split]["documents"] for split in splits)


def _split(folder: Path, split: str) -> Iterator[ReleasedDocument]:
    path = folder / gold_file(split)
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield ReleasedDocument(split, orjson.loads(line))
                except orjson.JSONDecodeError as error:
                    raise InvalidInputError(f"{path}:{number}: {error}") from error
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path} is missing") from error
