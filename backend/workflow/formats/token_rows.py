"""Rows of tokens and tags, as Hugging Face datasets have them, into documents.

The text is the row's own where it has one in which the tokens stand in order with nothing but
white space between; otherwise the tokens are joined, with nothing between where nine in ten are
one character or most are Chinese, with a space elsewhere. Tags are names, or numbers that stand
for the names of a class label. The scheme is found from the first rows.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from backend.workflow.formats import checks
from backend.workflow.formats.checks import RecordError
from backend.workflow.formats.record import DocumentRecord, RefusedLine, Unit
from backend.workflow.formats.tag_schemes import SchemeVotes, Tag, TagError, TagScheme, read_tag

TOKENS = ("tokens", "words", "token", "chars")
TAGS = ("ner_tags", "tags", "ner", "ner_labels", "labels")
TEXTS = ("text", "sentence")
_LOOKED_AT = 500  # rows
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file; `names` are those of the class label, None where tags are names."""

    file: str
    number: int
    unit: Unit
    value: dict[str, Any]
    names: tuple[str, ...] | None = None


def key_of(keys: Iterable[str], wanted: tuple[str, ...]) -> str | None:
    """The first of the wanted keys that is there."""
    there = set(keys)
    return next((key for key in wanted if key in there), None)


def row_documents(rows: Iterable[Row | RefusedLine]) -> Iterator[DocumentRecord | RefusedLine]:
    """The documents of a file's rows in order; the first rows are kept to find how it is made."""
    rows = iter(rows)
    first = list(islice(rows, _LOOKED_AT))
    scheme, joiner = _survey([row for row in first if isinstance(row, Row)])
    for row in chain(first, rows):
        yield row if isinstance(row, RefusedLine) else _document(row, scheme, joiner)


def declared_labels(names: Iterable[str]) -> tuple[str, ...] | None:
    """The labels that the names of tags declare, None when one of them is no tag."""
    try:
        return tuple(dict.fromkeys(label for _, label in map(read_tag, names) if label))
    except TagError:
        return None


def _survey(rows: list[Row]) -> tuple[TagScheme, str]:
    votes, single, han, count = SchemeVotes(), 0, 0, 0
    for row in rows:
        try:
            tokens, tags = _tokens(row), _tags(row)
        except RecordError:
            continue
        votes.add(tags)
        count += len(tokens)
        single += sum(len(token) == 1 for token in tokens)
        han += sum(1 for token in tokens if _HAN.match(token))
    joined = single >= 0.9 * count or han > 0.5 * count
    return votes.scheme(), "" if joined else " "


def _document(row: Row, scheme: TagScheme, joiner: str) -> DocumentRecord | RefusedLine:
    value = row.value
    named = {**value, (key_of(value, TAGS) or "tags"): _named(row)}
    try:
        tokens, tags = _tokens(row), _tags(row)
        if len(tokens) != len(tags):
            raise RecordError(f"{len(tokens)} tokens and {len(tags)} tags")
        text, places = _placed(tokens, value, joiner)
        spans = scheme.decode(tags)
    except TagError as error:
        reason = f"token {error.place + 1}: {error}"
        return RefusedLine(row.file, row.number, reason, named, row.unit)
    except RecordError as error:
        return RefusedLine(row.file, row.number, str(error), named, row.unit)
    identity, meta = value.get("id"), value.get("meta")
    return checks.document(
        file=row.file,
        line=row.number,
        unit=row.unit,
        text=text,
        # rows are often numbered from 0 in each split: such a number names no document
        external_id=identity if isinstance(identity, str) and not identity.isdigit() else None,
        entities=[
            {"start": places[start][0], "end": places[end - 1][1], "label": label}
            for start, end, label in spans
        ],
        meta=meta if isinstance(meta, dict) else None,
        raw=named,
        labels=declared_labels(row.names) if row.names else None,
    )


def _tokens(row: Row) -> list[str]:
    tokens = row.value.get(key_of(row.value, TOKENS) or "tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise RecordError("tokens must be a list of strings")
    return tokens


def _tags(row: Row) -> list[Tag]:
    tags = _named(row)
    if not isinstance(tags, list):
        raise RecordError("tags must be a list")
    if any(type(tag) is int for tag in tags):
        what = "has no such number" if row.names else "does not say what they stand for"
        raise RecordError(f"tags are numbers, and the file {what}; name them with --tag-names")
    try:
        return [read_tag(tag) for tag in tags]
    except (TagError, TypeError) as error:
        raise RecordError(f"tags: {error}") from error


def _named(row: Row) -> Any:
    """The tags with their names, where they are numbers that have one."""
    tags = row.value.get(key_of(row.value, TAGS) or "tags")
    names = row.names
    if not names or not isinstance(tags, list):
        return tags
    return [names[tag] if type(tag) is int and 0 <= tag < len(names) else tag for tag in tags]


def _placed(
    tokens: list[str], row: dict[str, Any], joiner: str
) -> tuple[str, list[tuple[int, int]]]:
    """The text and where in it each token stands."""
    own = row.get(key_of(row, TEXTS) or "")
    if isinstance(own, str) and (found := _aligned(tokens, own)) is not None:
        return own, found
    places, at = [], 0
    for token in tokens:
        places.append((at, at + len(token)))
        at += len(token) + len(joiner)
    return joiner.join(tokens), places


def _aligned(tokens: list[str], text: str) -> list[tuple[int, int]] | None:
    places, at = [], 0
    for token in tokens:
        start = text.find(token, at)
        if start < 0 or text[at:start].strip():
            return None
        at = start + len(token)
        places.append((start, at))
    return None if text[at:].strip() else places
