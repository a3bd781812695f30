"""Parquet of tokens and tags, or of texts, as Hugging Face datasets are published.

Tags that are numbers get their names from the class label in the file's metadata, which also
declares the file's label set. Written are both: `text` with `entities`, exact, and `tokens` (one
a character) with `ner_tags` (BIO), so that token classification reads it as it is.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from backend.errors import InvalidInputError
from backend.workflow.formats import checks
from backend.workflow.formats.format import ExportDocument, Loss, WriteOptions
from backend.workflow.formats.losses import held_entities
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source
from backend.workflow.formats.token_rows import (
    TAGS,
    TEXTS,
    TOKENS,
    Row,
    declared_labels,
    key_of,
    row_documents,
)
from ml_backend.contract.entity import Entity

NAME = "parquet"
DESCRIPTION = "Parquet of tokens and tags, or of a text column (Hugging Face)"
EXTENSIONS = (".parquet",)
BATCH = 1000  # rows in memory at a time
_OUTSIDE = "O"
_SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "text": pa.string(),
        "tokens": pa.list_(pa.string()),
        "ner_tags": pa.list_(pa.int64()),
        "entities": pa.list_(
            pa.struct({"start": pa.int64(), "end": pa.int64(), "label": pa.string()})
        ),
        "meta": pa.string(),
    }
)


def detect(head: str, name: str) -> float:
    """Never by text: detection.py knows its first bytes."""
    return 0.0


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The rows in order. Raises InvalidInputError for a damaged file or one without a text."""
    try:
        with source.open_seekable() as file:
            table = pq.ParquetFile(file)
            columns = table.schema_arrow.names
            if key_of(columns, TOKENS) and key_of(columns, TAGS) and "entities" not in columns:
                yield from row_documents(_rows(source, table))
            else:
                yield from _texts(source, table)
    except (pa.ArrowException, ValueError) as error:  # text that is no UTF-8 is the latter
        raise InvalidInputError(f"{source.name} is no sound Parquet file: {error}") from error


def write(
    documents: Iterable[ExportDocument], out: BinaryIO, options: WriteOptions = WriteOptions()
) -> Iterator[Loss]:
    """Batches of rows; the names of the tags are written last, when all labels were seen."""
    documents = iter(documents)
    tags = {_OUTSIDE: 0}
    for label in options.labels:
        _number(tags, label)
    # without a copy of Arrow's schema, readers take the metadata from the end of the file
    with pq.ParquetWriter(out, _SCHEMA, store_schema=False) as writer:
        while batch := list(islice(documents, BATCH)):
            rows = []
            for document in batch:
                entities = yield from held_entities(document)
                rows.append(_row(document, entities, tags))
            writer.write_batch(pa.RecordBatch.from_pylist(rows, _SCHEMA))
        writer.add_key_value_metadata({"huggingface": _features(tags)})


def _rows(source: Source, table: pq.ParquetFile) -> Iterator[Row]:
    tags = key_of(table.schema_arrow.names, TAGS) or ""
    names = source.options.tag_names or _class_names(table, tags)
    for number, row in _all_rows(table):
        yield Row(source.name, number, "record", row, names)


def _texts(source: Source, table: pq.ParquetFile) -> Iterator[DocumentRecord | RefusedLine]:
    columns = table.schema_arrow.names
    text = source.options.text_column or key_of(columns, TEXTS) or ""
    if text not in columns:
        known = ", ".join(map(repr, columns))
        raise InvalidInputError(
            f"{source.name} has no such text column among {known}; name one with --text-column"
        )
    identity = source.options.id_column or "id"
    names = _class_names(table, "ner_tags")
    for number, row in _all_rows(table):
        meta = checks.without(row, (text, identity, "meta", "entities", *TOKENS, *TAGS))
        yield checks.document(
            file=source.name,
            line=number,
            unit="record",
            text=row[text],
            external_id=row.get(identity),
            entities=row.get("entities"),
            meta=meta | _own_meta(row.get("meta")),
            raw={**row, "text": row[text], "meta": _own_meta(row.get("meta"))},
            labels=declared_labels(names) if names else None,
        )


def _all_rows(table: pq.ParquetFile) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    for batch in table.iter_batches(batch_size=BATCH):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _own_meta(value: object) -> dict[str, Any]:
    """`meta` as we write it, JSON in a string; kept as it is where it is something else."""
    if value is None:
        return {}
    try:
        found = orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        found = value
    return found if isinstance(found, dict) else {"meta": value}


def _class_names(table: pq.ParquetFile, column: str) -> tuple[str, ...] | None:
    """The names of a column's class label, from the features that Hugging Face writes."""
    stored = (table.schema_arrow.metadata or {}).get(b"huggingface")
    stored = stored or (table.metadata.metadata or {}).get(b"huggingface")
    if not stored:
        return None
    feature: Any = orjson.loads(stored)
    for key in ("info", "features", column):
        feature = feature.get(key) if isinstance(feature, dict) else None
    while isinstance(feature, list | dict):
        if isinstance(feature, list):
            feature = feature[0] if feature else None
        elif isinstance(feature.get("names"), list):
            return tuple(map(str, feature["names"]))
        else:
            feature = feature.get("feature")
    return None


def _row(document: ExportDocument, entities: list[Entity], tags: dict[str, int]) -> dict[str, Any]:
    numbers = [0] * len(document.text)
    for entity in entities:
        begin = _number(tags, entity.label)
        numbers[entity.start] = begin
        numbers[entity.start + 1 : entity.end] = [begin + 1] * (entity.end - entity.start - 1)
    return {
        "id": document.id,
        "text": document.text,
        "tokens": list(document.text),
        "ner_tags": numbers,
        "entities": [entity.to_dict() for entity in entities],
        "meta": orjson.dumps(document.data).decode(),
    }


def _number(tags: dict[str, int], label: str) -> int:
    """The number of `B-label`; that of `I-label` is one more."""
    if f"B-{label}" not in tags:
        tags |= {f"B-{label}": len(tags), f"I-{label}": len(tags) + 1}
    return tags[f"B-{label}"]


def _features(tags: dict[str, int]) -> bytes:
    text, number = ({"dtype": name, "_type": "Value"} for name in ("string", "int64"))
    features = {
        "id": text,
        "text": text,
        "tokens": {"feature": text, "_type": "Sequence"},
        "ner_tags": {"feature": {"names": list(tags), "_type": "ClassLabel"}, "_type": "Sequence"},
        "entities": [{"start": number, "end": number, "label": text}],
        "meta": text,
    }
    return orjson.dumps({"info": {"features": features}})
