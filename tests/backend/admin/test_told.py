"""Sentences that stages keep are read in Korean; what nobody knows stays as it was written."""

import pytest
from flask import Flask

from backend.admin.told import SENTENCES, told

FOUND = "F1 0.796 against 0.828 on 240 documents, difference -0.065 to -0.001"


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
