"""Prodigy's examples: only what was accepted, and spans that agree with their tokens."""

import json
from pathlib import Path

import pytest

from backend.workflow.formats import prodigy
from backend.workflow.formats.record import RefusedLine
from ml_backend.contract.entity import Entity
from tests.backend.workflow.formats.sources import good, records_in

TEXT = "🙂 김철수는 서울에 간다"
TOKENS = [
    {"text": "🙂", "start": 0, "end": 1, "id": 0, "ws": True},
    {"text": "김철수", "start": 2, "end": 5, "id": 1, "ws": False},
    {"text": "는", "start": 5, "end": 6, "id": 2, "ws": True},
    {"text": "서울", "start": 7, "end": 9, "id": 3, "ws": False},
]
SPAN = {"start": 2, "end": 5, "label": "PS", "token_start": 1, "token_end": 1}


def line(**more: object) -> str:
    return json.dumps({"text": TEXT, "_input_hash": 1, "tokens": TOKENS, "spans": [SPAN], **more})


def test_spans_are_entities(tmp_path: Path) -> None:
    (found,) = good(records_in(tmp_path, line(answer="accept", meta={"src": "신문"}), prodigy))
    assert (found.text, found.entities) == (TEXT, [Entity(2, 5, "PS")])
    assert found.meta == {"_input_hash": 1, "src": "신문"}
    assert found.external_id is None


@pytest.mark.parametrize("answer", ["reject", "ignore"])
def test_what_was_not_accepted_has_no_entities(tmp_path: Path, answer: str) -> None:
    (found,) = good(records_in(tmp_path, line(answer=answer), prodigy))
    assert found.entities is None


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        ({**SPAN, "end": 6}, "names tokens that stand at [2, 5)"),
        ({**SPAN, "token_end": 9}, "names tokens 1 to 9 of 4"),
        ({**SPAN, "text": "박철수"}, "says it is '박철수'"),
        ({"start": 2, "end": 99, "label": "PS"}, "out of range"),
        ({"start": 2, "end": 5}, "label must be"),
    ],
)
def test_a_span_that_is_not_what_it_says_is_refused(
    tmp_path: Path, span: dict[str, object], reason: str
) -> None:
    (refused,) = records_in(tmp_path, line(spans=[span]), prodigy)
    assert isinstance(refused, RefusedLine)
    assert reason in refused.reason


def test_tokens_that_are_not_in_the_text_are_refused(tmp_path: Path) -> None:
    tokens = [TOKENS[0], {**TOKENS[1], "text": "박철수"}, *TOKENS[2:]]
    (refused,) = records_in(tmp_path, line(tokens=tokens), prodigy)
    assert "token '박철수' stands where the text has '김철수'" in str(refused)
