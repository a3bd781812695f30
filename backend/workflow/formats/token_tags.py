"""JSON of tokens and tags, as Hugging Face datasets are exported: `{"tokens", "ner_tags"}`."""

from collections.abc import Iterator
from typing import Any

from backend.workflow.formats.json_head import best_object
from backend.workflow.formats.json_records import json_records
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.source import Source
from backend.workflow.formats.token_rows import TAGS, TOKENS, Row, key_of, row_documents

NAME = "token-tags"
DESCRIPTION = 'Hugging Face JSON of tokens and tags: {"tokens": [...], "ner_tags": [...]}'
EXTENSIONS = (".json", ".jsonl")


def detect(head: str, name: str) -> float:
    """Sure of two lists under the usual names."""
    return best_object(head, _score)


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The rows, an array or a line each; tags are names, or numbers of --tag-names."""
    return row_documents(_rows(source))


def _rows(source: Source) -> Iterator[Row | RefusedLine]:
    for record in json_records(source):
        if isinstance(record, RefusedLine):
            yield record
        else:
            names = source.options.tag_names
            yield Row(source.name, record.number, record.unit, record.value, names)


def _score(record: dict[str, Any]) -> float:
    tokens, tags = key_of(record, TOKENS), key_of(record, TAGS)
    if tokens is None or tags is None:
        return 0.0
    if not isinstance(record[tokens], list) or not isinstance(record[tags], list):
        return 0.0
    return 1.0 if all(isinstance(token, str) for token in record[tokens]) else 0.0
