"""Evidence on doubts: the string's labels elsewhere, and the gold that reads most alike."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backend.workflow.doubts.evidence import SIMILAR, _highest, evidence_for
from backend.workflow.doubts.rank import NOTHING, Place, Side
from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument


def document(name: str, text: str, *entities: tuple[int, int, str]) -> GoldDocument:
    return GoldDocument(name, name, text, [Entity(*one) for one in entities])


def place(name: str, start: int, end: int, label: str = "PS", said: str = "LC") -> Place:
    gold = Side([Entity(start, end, label)], 0.1, label)
    return Place(name, gold, Side([Entity(start, end, said)], 0.8, said), 0.1)


def evidence(gold: list[GoldDocument], *places: Place) -> Any:
    return evidence_for(places, lambda: iter(gold))


GOLD = [
    document("a", "서울 사람 김서울", (0, 2, "PS")),
    document("b", "서울 사람들", (0, 2, "LC")),
    document("c", "먼 곳 서울에서 왔다", (4, 6, "LC")),
    document("d", "서울 서울", (0, 2, "LC")),
    document("e", "부산 😀 사람", (0, 2, "LC")),
]


def test_the_labels_of_the_string_elsewhere_are_counted_unmarked_ones_too() -> None:
    (found,) = evidence(GOLD, place("a", 0, 2))
    assert found.strings == {"서울": {"LC": 3, NOTHING: 1}}


def test_the_documents_that_read_most_alike_come_first_each_once() -> None:
    (found,) = evidence(GOLD, place("a", 0, 2))
    assert found.similar[0].document == "b"
    assert sorted(one.document for one in found.similar) == ["b", "c", "d"]
    assert found.similar[0][1:] == (0, 2, "LC")


def test_both_strings_of_other_boundaries_are_looked_for() -> None:
    gold = Side([Entity(0, 2, "PS")], 0.1, "PS")
    moved = Place("a", gold, Side([Entity(0, 5, "PS")], 0.8, "PS"), 0.1)
    (found,) = evidence(GOLD, moved)
    assert list(found.strings) == ["서울", "서울 사람"]
    assert found.strings["서울 사람"] == {NOTHING: 1}


def test_a_string_of_nowhere_else_is_told_and_the_nearest_gold_shown_instead() -> None:
    (found,) = evidence(GOLD, place("e", 0, 2))
    assert found.strings == {"부산": {}}
    assert len(found.similar) == SIMILAR
    assert "e" not in [one.document for one in found.similar]


def test_without_other_gold_there_is_nothing_to_show() -> None:
    (found,) = evidence(GOLD[:1], place("a", 0, 2))
    assert found.strings == {"서울": {}}
    assert found.similar == []


def test_single_characters_and_long_strings_are_looked_for_alike() -> None:
    long = "가나다라마바사아자차카타파하" * 3
    gold = [
        document("x", f"{long} 김", (0, len(long), "PS"), (len(long) + 1, len(long) + 2, "PS")),
        document("y", f"김 {long}", (0, 1, "LC"), (2, len(long) + 2, "LC")),
    ]
    whole, single = evidence(
        gold, place("x", 0, len(long)), place("x", len(long) + 1, len(long) + 2)
    )
    assert whole.strings == {long: {"LC": 1}}
    assert single.strings == {"김": {"LC": 1}}


@given(arrays(float, (3, 7), elements=st.sampled_from([0.0, 0.5, 1.0])), st.integers(1, 7))
def test_the_highest_are_found_in_their_order(likeness: np.ndarray, top: int) -> None:
    found = np.take_along_axis(likeness, _highest(likeness, top), axis=1)
    assert (found == -np.sort(-likeness, axis=1)[:, :top]).all()


def test_slow_work_says_again_and_again_that_it_lives() -> None:
    beats: list[None] = []
    doubted = [place("a", 0, 2), place("e", 0, 2)]
    evidence_for(doubted, lambda: GOLD, lambda: beats.append(None))
    assert len(beats) >= len(doubted)
