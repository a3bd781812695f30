"""Sentences that stages keep are read in Korean; what nobody knows stays as it was written."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from backend.admin.words.kept_sentences import SENTENCES
from backend.admin.words.told import _PATTERNS, sentence_of, told
from backend.admin.words.words import WORDS

FOUND = "F1 0.796 against 0.828 on 240 documents, difference -0.065 to -0.001"


PAGES = ("workflow", "loop", "db", "clients", "admin")  # whose sentences pages show
WORKERS = ("contract", "training", "tagger")  # of ml_backend: why a run failed
OF_WORKERS = {
    *("TrainingConfigError", "TrainingDataError", "VersionTakenError", "PretrainedError"),
    *("GazetteerError", "VectorsError"),
}
# its validator's become the first of these
CHECKED_OPTIONS = Path("ml_backend/contract/training_config.py")
NOBODY_READS = {"AssertionError", "RuntimeError", "TypeError", "ValueError"}  # our own mistakes
HAS_A_TEST = {"NotFoundError"}  # a kind and a name: below
ELSEWHERE = {  # what these refuse is told by commands, by the API, or in the log
    "adopt",
    "formats",
    "forecasts/backtest",
    "import_documents",
    "import_files",
    "inbox",
    "label_studio/tasks",
    "normal_form",  # the log says why a copy is left to people
    "origins",
    "projects/create",
    "read",
    "reader",
    "reading_ahead",
    "verify_counts",
}
KNOWN_OTHERWISE = (
    "the X copies of X agree",  # exact, near: a sentence for each
    "the job has moved on meanwhile: it was not to be X",  # cancelled, tried again
    # a command tells
    "gold has changed since release X (revision X, now X): it cannot be made anew "
    "from the database",
    "labels or their mapping have changed since release X: it cannot be made anew "
    "from the database",
    "document X: X and X cannot both be",  # a snapshot that was tampered with
    "document X: label X is not in the label set",
    "X cannot be read: X",  # options in a file: a command tells
    "X must hold options, as in `epochs: 10`",
    "X of its weights are missing: X, …",
    "[X, X) X X",  # a projection that fails: the log
    *("X X", "X: X"),  # addresses, other people's errors
    "X cannot be X",  # what was typed stands in quotation marks, which are part of the sentence
)
PIECES = (  # of sentences that are looked for whole
    *("cannot be read: X", "no surface, tab and label on line X"),
    "cannot be read as word vectors: X",
    *("X: a curator decides", "X: promoted, as the project's setting says", "X; X X it"),
    "too little gate gold (X of X documents)",
    *("says the digest is X; the files give X", "says X of X is X; its file has X"),
    "X X: a group straddles X and X",
)


def sentences() -> Iterator[tuple[str, str]]:
    """Each sentence that is raised or kept, X for what is put in, and where it stands."""
    for layer in PAGES:
        for path in sorted(Path("backend", layer).rglob("*.py")):
            room = path.parent.name
            if ELSEWHERE.isdisjoint({path.stem, room, f"{room}/{path.stem}"}):
                yield from _in(path, lambda kind: kind not in NOBODY_READS | HAS_A_TEST)
    for layer in WORKERS:
        for path in sorted(Path("ml_backend", layer).rglob("*.py")):
            kinds = OF_WORKERS | ({"ValueError"} if path == CHECKED_OPTIONS else set())
            yield from _in(path, kinds.__contains__, kept=False)


def _in(
    path: Path, is_read: Callable[[str], bool], *, kept: bool = True
) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        for said in _said(node, is_read) + (_kept(node) if kept else []):
            sentence = _filled(said)
            if sentence is not None and " " in sentence:
                yield f"{path}:{said.lineno}", sentence


def _said(node: ast.AST, is_read: Callable[[str], bool]) -> list[ast.expr]:
    """What an error is raised with, or says of itself."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
        return node.exc.args if is_read(getattr(node.exc.func, "id", "")) else []
    if isinstance(node, ast.ClassDef) and node.name.endswith("Error") and is_read(node.name):
        calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
        return [
            one.args[0] for one in calls if getattr(one.func, "attr", "") == "__init__" and one.args
        ]
    return []


def _kept(node: ast.AST) -> list[ast.expr]:
    """What is kept as a reason, or as the result of a job."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        name = getattr(target, "attr", getattr(target, "id", ""))
        return [node.value] if name in ("reason", "sentence") else []
    if isinstance(node, ast.Call):
        given = [one.value for one in node.keywords if one.arg in ("reason", "suggestion")]
        name = getattr(node.func, "id", "")
        place = {"Result": 1, "Opened": 1, "GateDecision": 1, "_finish": 3, "finish": 2}.get(name)
        return given + (node.args[place : place + 1] if place is not None else [])
    return []


def _filled(said: ast.expr) -> str | None:
    if isinstance(said, ast.Constant):
        return said.value if isinstance(said.value, str) else None
    if isinstance(said, ast.JoinedStr):
        return "".join(
            str(one.value) if isinstance(one, ast.Constant) else "X" for one in said.values
        )
    return None


def test_what_the_system_says_is_known() -> None:
    unknown = [
        f"{where}: {sentence}"
        for where, sentence in sentences()
        if not any(pattern.fullmatch(sentence) for pattern, _ in _PATTERNS)
        and sentence not in KNOWN_OTHERWISE + PIECES
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
        (
            "something unforeseen went wrong (KeyError: 'x'): the log says where",
            "예상하지 못한 오류가 났습니다(KeyError: 'x')",
        ),
        ("TrainingConfigError: folds must be 0, or 2 and more", "폴드는"),
        (
            "VectorsError: /models/ko.vec: cannot be read as word vectors: it has no two lines",
            "단어",
        ),
        ("round 3, training: TrainingDataError: there is no text to train on", "학습할 텍스트"),
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


def test_a_sentence_begins_with_a_capital_but_a_name_stays_as_it_is(app: Flask) -> None:
    with app.test_request_context():
        assert sentence_of("the gold has changed.") == "The gold has changed."
        assert sentence_of("me@example.com was first") == "me@example.com was first."
        assert sentence_of("doc-5 is gone") == "doc-5 is gone."
