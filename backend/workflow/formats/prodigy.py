"""Prodigy JSON Lines: `text`, `spans` by character, `tokens`, and the annotator's `answer`.

Only what was accepted carries entities; a rejected or ignored example is a document without.
Where a span names its tokens (the last one included), they must begin and end where it does.
"""

from collections.abc import Iterator
from typing import Any

from backend.workflow.formats import checks
from backend.workflow.formats.checks import RecordError
from backend.workflow.formats.json_head import best_object
from backend.workflow.formats.json_records import json_records
from backend.workflow.formats.record import DocumentRecord, RefusedLine
from backend.workflow.formats.refused import REFUSED
from backend.workflow.formats.source import Source

NAME = "prodigy"
DESCRIPTION = 'Prodigy JSON Lines: {"text", "tokens", "spans", "answer"}'
EXTENSIONS = (".jsonl",)
_KEYS = ("id", "text", "tokens", "spans", "meta", "answer", REFUSED)


def detect(head: str, name: str) -> float:
    """Sure of `spans`, and of the hashes that Prodigy adds."""
    return best_object(head, _score)


def read(source: Source) -> Iterator[DocumentRecord | RefusedLine]:
    """The examples in order."""
    for record in json_records(source):
        if isinstance(record, RefusedLine):
            yield record
            continue
        value, meta = record.value, record.value.get("meta")
        try:
            entities = _entities(value)
        except RecordError as error:
            yield RefusedLine(source.name, record.number, str(error), value, record.unit)
            continue
        yield checks.document(
            file=source.name,
            line=record.number,
            unit=record.unit,
            text=value.get("text"),
            external_id=value.get("id"),
            entities=entities,
            meta=checks.without(value, _KEYS) | (meta if isinstance(meta, dict) else {}),
            raw=value,
        )


def _score(record: dict[str, Any]) -> float:
    if not isinstance(record.get("text"), str):
        return 0.0
    if isinstance(record.get("spans"), list):
        return 1.0
    return 1.0 if "_task_hash" in record or "_input_hash" in record else 0.0


def _entities(record: dict[str, Any]) -> list[dict[str, Any]] | None:
    if record.get("answer", "accept") != "accept" or record.get("spans") is None:
        return None
    spans, tokens, text = record["spans"], record.get("tokens"), record.get("text")
    if not isinstance(spans, list) or not all(isinstance(span, dict) for span in spans):
        raise RecordError("spans must be a list of objects")
    if isinstance(tokens, list) and isinstance(text, str):
        for span in spans:
            _check_tokens(span, tokens, text)
    return [
        {key: span.get(key) for key in ("start", "end", "label", "text") if key in span}
        for span in spans
    ]


def _check_tokens(span: dict[str, Any], tokens: list[Any], text: str) -> None:
    first, last = span.get("token_start"), span.get("token_end")
    if type(first) is not int or type(last) is not int:
        return
    where = f"span [{span.get('start')}, {span.get('end')}) {span.get('label')!r}"
    if not 0 <= first <= last < len(tokens):
        raise RecordError(f"{where} names tokens {first} to {last} of {len(tokens)}")
    begin, end = tokens[first], tokens[last]
    if not isinstance(begin, dict) or not isinstance(end, dict):
        raise RecordError("tokens must be a list of objects")
    if (begin.get("start"), end.get("end")) != (span.get("start"), span.get("end")):
        raise RecordError(
            f"{where} names tokens that stand at [{begin.get('start')}, {end.get('end')})"
        )
    for token in (begin, end):
        stated, found = token.get("text"), text[token.get("start", 0) : token.get("end", 0)]
        if stated is not None and stated != found:
            raise RecordError(f"token {stated!r} stands where the text has {found!r}")
