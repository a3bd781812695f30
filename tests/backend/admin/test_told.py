"""Sentences that stages keep are read in Korean; what nobody knows stays as it was written."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from backend.admin.kept_sentences import SENTENCES
from backend.admin.told import _PATTERNS, told
from backend.admin.words import WORDS

FOUND = "F1 0.796 against 0.828 on 240 documents, difference -0.065 to -0.001"


REFUSALS = {"ConflictError", "InvalidInputError", "PredictionJobError", "QueueDownError"}
ELSEWHERE = {  # what these refuse is told by commands, by the API, or in the log
    "adopt",
    "create_project",
    "forecast_backtest",
    "formats",
    "import_files",
    "inbox",
    "label_studio_tasks",
    "origins",
    "read",
    "reader",
}
KNOWN_OTHERWISE = (
    "the X copies of X agree",  # exact, near: a sentence for each
    "it cannot be made anew from the database",  # a command tells
)


def refusals() -> Iterator[tuple[str, str]]:
    """Each sentence that a stage refuses with, X for what is put in, and where it stands."""
    for layer in ("workflow", "loop", "db"):
        for path in sorted(Path("backend", layer).rglob("*.py")):
            if ELSEWHERE.isdisjoint({path.stem, path.parent.name}):
                for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                        yield from ((f"{path}:{node.lineno}", one) for one in _said(node))


def _said(call: ast.Call) -> list[str]:
    assert isinstance(call.func, ast.Name)
    if call.func.id not in REFUSALS or not call.args:
        return []
    first = call.args[0]
    if isinstance(first, ast.Constant):
        return [str(first.value)]
    if isinstance(first, ast.JoinedStr):
        parts = [one.value if isinstance(one, ast.Constant) else "X" for one in first.values]
        return ["".join(map(str, parts))]
    return []


def test_what_stages_refuse_with_is_known() -> None:
    unknown = [
        f"{where}: {sentence}"
        for where, sentence in refusals()
        if not any(pattern.fullmatch(sentence) for pattern, _ in _PATTERNS)
        and not sentence.endswith(KNOWN_OTHERWISE)
    ]
    assert unknown == []


@pytest.mark.parametrize("sentence", SENTENCES)
def test_each_sentence_is_found_as_itself(sentence: str) -> None:
    filled = re.sub(r"%\(\w+\)s", "X", sentence)
    assert next(known for pattern, known in _PATTERNS if pattern.fullmatch(filled)) == sentence


def test_what_there_may_be_none_of_has_a_name() -> None:
    for path in (*Path("backend/db").rglob("*.py"), *Path("backend/loop").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NotFoundError":
                kind = node.args[0]
                assert not isinstance(kind, ast.Constant) or kind.value in WORDS, path


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("the first version needs no opponent", "견줄"),
        (f"{FOUND}: it may be worse by more than 0.02", "0.796"),
        (f"{FOUND}, but classes fall by more than 0.1: 사람 -0.200", "사람 -0.200"),
        (f"{FOUND}; curator@example.com promoted it", "curator@example.com"),
        (f"{FOUND}, at least -0.070 on the labels that both know", "-0.070"),
        ("run 5 is waiting: there is nothing to run again", "결정 대기"),
        ("there is no gold to release", "릴리스"),
        ("the role annotator does not allow gold:read (curator)", "gold:read"),
        ("too little certify gold: 40 documents; about 90 more are needed to promise 90%", "90%"),
        ("the job has moved on meanwhile: it was not to be tried again", "작업"),
        ("x@example.com has decided already: the gold is right", "정답"),
        ("the job has ended: cancelled", "취소"),
        ("train.jsonl:5: document 'x': no provenance beside it", "train.jsonl:5: document 'x':"),
        ("labels without any entity: 날짜, 시간", "날짜, 시간"),
    ],
)
def test_known_sentences_are_translated_with_what_is_in_them(
    app: Flask, kept: str, shown: str
) -> None:
    with app.test_request_context("/"):
        assert told(kept) == kept
    with app.test_request_context("/", headers={"Accept-Language": "ko"}):
        korean = told(kept)
        assert shown in korean
        for english in ("against", "difference", "promoted", "nothing", "first version"):
            assert english not in korean
        assert told("the disk is full") == "the disk is full"


def test_what_is_around_another_sentence_is_looked_for_first() -> None:
    around = [index for index, sentence in enumerate(SENTENCES) if "%(found)s" in sentence]
    assert max(around) < SENTENCES.index(
        "F1 %(new)s against %(old)s on %(count)s documents, difference %(low)s to %(high)s"
    )
