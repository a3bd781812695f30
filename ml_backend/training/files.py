"""Gold in JSON Lines files: good lines become documents, bad ones are told, and the rest goes on.

A line is `{"text", "entities": [{"start", "end", "label"}]}`, and where known `"id"`, `"group"`
(shared by duplicates), `"not_annotated"` (labels nobody looked for in it).
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from ml_backend.contract.entity import Entity, EntityError
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.heads.scheduling import first_conflict

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class FileError(Exception):
    """A file of which nothing can be used; the message names it and says why."""

    def __init__(self, path: Path, reason: str):
        self.path, self.reason = path, reason
        super().__init__(f"{path}: {reason}")


class LineError(ValueError):
    """Why a line cannot be used."""


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was left out."""

    file: str
    line: int  # from 1
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class GoldFile:
    """What was read of one or several files, in order."""

    documents: list[GoldDocument] = field(default_factory=list)
    refused: list[RefusedLine] = field(default_factory=list)

    def labels(self) -> list[str]:
        """Every label that an entity has or a document names, sorted."""
        found = {entity.label for document in self.documents for entity in document.entities}
        return sorted(found.union(*(document.missing for document in self.documents)))


def read_gold(
    paths: Sequence[Path], *, overlapping: bool = False, nested: bool = False
) -> GoldFile:
    """Read files one after the other; raises FileError for one of which nothing can be used.

    Lines whose entities overlap are refused unless `overlapping` is allowed, or those that cross
    or share their range if `nested`.
    """

    def possible(entities: Sequence[Entity]) -> None:
        conflict = None if overlapping else first_conflict(entities, nested=nested)
        if conflict is not None:
            how = "cannot both be" if nested else "overlap"
            raise LineError(f"entities {conflict[0].key} and {conflict[1].key} {how}")

    result = GoldFile()
    for path in paths:
        before, refused_before = len(result.documents), len(result.refused)
        for number, line in lines(path):
            try:
                document = _document(line, f"{path.name}:{number}")
                possible(document.entities)
                result.documents.append(document)
            except LineError as error:
                result.refused.append(RefusedLine(str(path), number, str(error)))
        if len(result.documents) == before:
            refused = result.refused[refused_before:]
            why = f"; line {refused[0].line}: {refused[0].reason}" if refused else ""
            raise FileError(path, f"no line of it can be used{why}")
    return result


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, with their numbers; raises FileError.

    A line ends at newline only, never at a separator inside a text.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if number == 1:
                    line = line.removeprefix(BYTE_ORDER_MARK)
                if line.strip():
                    yield number, line
    except OSError as error:
        raise FileError(path, error.strerror or str(error)) from error


def read_record(line: bytes) -> tuple[dict[str, Any], str]:
    """A line's object and the text in it; raises LineError."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise LineError(f"not JSON in UTF-8: {error}") from error
    if not isinstance(record, dict):
        raise LineError("not a JSON object")
    text = record.get("text")
    if not isinstance(text, str):
        raise LineError("text is missing" if text is None else "text must be a string")
    return record, text


def duplicate_key(text: str) -> str:
    """The same for texts that differ by width, case or white space only."""
    folded = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.sha256(folded.encode()).hexdigest()


def _document(line: bytes, name: str) -> GoldDocument:
    record, text = read_record(line)
    entities = _entities(record.get("entities"), text)
    missing = record.get("not_annotated", [])
    if not isinstance(missing, list) or not all(_is_label(label) for label in missing):
        raise LineError("not_annotated must be a list of labels")
    both = {entity.label for entity in entities}.intersection(missing)
    if both:
        raise LineError(f"{min(both)!r} is annotated here and named in not_annotated")
    return GoldDocument(
        _name(record, "id") or name,
        _name(record, "group") or duplicate_key(text),
        text,
        entities,
        frozenset(missing),
    )


def _entities(value: object, text: str) -> list[Entity]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise LineError("entities must be a list of objects")
    try:
        entities = sorted(_entity(item, text) for item in value)
    except EntityError as error:
        raise LineError(f"entity: {error}") from error
    if len(set(entities)) < len(entities):
        raise LineError("an entity is given twice")
    return entities


def _entity(record: Mapping[str, Any], text: str) -> Entity:
    entity = Entity.from_dict({**record, "probability": None}, length=len(text))
    if not _is_label(entity.label):
        raise LineError(f"label {entity.label!r} begins or ends with white space")
    return entity


def _is_label(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value == value.strip()


def _name(record: Mapping[str, Any], key: str) -> str | None:
    value = record.get(key)
    if value is None or (isinstance(value, str) and value):
        return value
    if type(value) is int:
        return str(value)
    raise LineError(f"{key} must be a non-empty string or a whole number")
