"""Doubts: places where gold and a model differ, their kinds, and the order of the queue."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.doubts.rank import Place, Side, Usual, ensemble, margin, places, rank
from ml_backend.contract.entity import Entity
from ml_backend.contract.pairing import Kind

LENGTH = 24


def span(start: int, end: int, label: str = "PS", chance: float = 0.5, **others: float) -> Any:
    return {"start": start, "end": end, "label": label, "probability": chance, "others": others}


def record(gold: list[Any], entities: list[Any], name: str = "d", tags: Any = None) -> Any:
    return {"id": name, "gold": gold, "entities": entities, "tags": tags or [0.9] * LENGTH}


@pytest.mark.parametrize(
    ("gold", "said", "kind"),
    [
        ([], [span(0, 2)], Kind.MISSED),
        ([span(0, 2)], [], Kind.SPURIOUS),
        ([span(0, 2)], [span(0, 3)], Kind.BOUNDARY),
        ([span(0, 2)], [span(0, 2, "LC")], Kind.LABEL),
        ([span(0, 2)], [span(0, 3, "LC")], Kind.BOTH),
        ([span(0, 5)], [span(0, 2), span(3, 5)], Kind.BOUNDARY),
        ([span(0, 2), span(3, 5)], [span(0, 5, "LC")], Kind.BOTH),
    ],
)
def test_kinds_are_told_apart(gold: list[Any], said: list[Any], kind: Kind) -> None:
    (place,) = places(record(gold, said))
    assert place.kind == kind


def test_what_overlaps_is_one_place_and_what_only_touches_is_two() -> None:
    (one,) = places(record([span(0, 4), span(5, 9)], [span(3, 6)]))
    assert one.span == (0, 9)
    assert len(one.gold.entities) == 2
    assert len(list(places(record([span(0, 4)], [span(4, 6)])))) == 2


def test_what_both_say_is_no_doubt_even_where_it_is_unlikely() -> None:
    assert list(places(record([span(0, 4, chance=0.1)], [span(0, 4, chance=0.1)]))) == []


def test_nothing_is_as_likely_as_all_labels_leave() -> None:
    (missed,) = places(record([], [span(0, 2, chance=0.6, LC=0.1)]))
    assert missed.gold.probability == pytest.approx(0.3)
    (spurious,) = places(record([span(0, 2, chance=0.2, LC=0.1)], []))
    assert spurious.model.probability == pytest.approx(0.7)
    assert spurious.gold.probability == pytest.approx(0.2)


def test_worst_is_the_least_likely_character_of_the_place() -> None:
    tags = [0.9] * LENGTH
    tags[1], tags[8] = 0.2, 0.01
    (place,) = places(record([span(0, 2)], [span(0, 3)], tags=tags))
    assert place.worst == 0.2


def test_confident_learning_weighs_each_label_by_its_usual_probability() -> None:
    usual = Usual({"PS": 0.9, "LC": 0.4})
    rare = Place("d", Side([], 0.5, "PS"), Side([], 0.45, "LC"), 0.5)
    frequent = Place("d", Side([], 0.45, "LC"), Side([], 0.5, "PS"), 0.5)
    assert margin(rare, usual) > margin(frequent, usual)
    sure = Place("d", Side([], 0.5, "PS"), Side([], 0.9, "LC"), 0.0)
    assert margin(sure, usual) > margin(rare, usual)  # however little is divided by


def test_a_sure_model_against_likely_gold_is_asked_about_first() -> None:
    sure = record([span(0, 2, chance=0.02)], [span(0, 2, "LC", 0.97)], "sure", [0.02] * LENGTH)
    unsure = record([span(0, 2, chance=0.45)], [span(0, 2, "LC", 0.5)], "unsure", [0.4] * LENGTH)
    same = record([span(4, 6, "LC", 0.9)], [span(4, 6, "LC", 0.9)], "same")
    found = rank([unsure, same, sure])
    assert [one.place.document for one in found] == ["sure", "unsure"]
    assert found[0].score == 1.0


def test_without_a_doubt_the_queue_is_empty() -> None:
    assert rank([]) == []
    assert rank([record([], [])]) == []


@given(st.lists(st.lists(st.floats(0, 1), min_size=5, max_size=5), min_size=1, max_size=4))
def test_the_ensemble_keeps_what_all_rankings_agree_on(scores: list[list[float]]) -> None:
    arrays = [np.array(one) for one in scores]
    found = ensemble(arrays)
    assert ((found > 0) & (found <= 1)).all()
    for left in range(5):
        for right in range(5):
            if all(one[left] >= one[right] for one in arrays):
                assert found[left] >= found[right]


spans = st.lists(
    st.tuples(
        st.integers(0, LENGTH - 1),
        st.integers(1, 6),
        st.sampled_from(["PS", "LC"]),
        st.floats(0.001, 0.999),
    ),
    max_size=6,
)


def apart(drawn: list[tuple[int, int, str, float]]) -> list[Any]:
    """Entities that do not overlap."""
    found: list[Any] = []
    for start, width, label, chance in sorted(drawn):
        if start + width <= LENGTH and (not found or found[-1]["end"] <= start):
            found.append(span(start, start + width, label, chance))
    return found


@given(spans, spans, st.lists(st.floats(0, 1), min_size=LENGTH, max_size=LENGTH))
def test_every_entity_that_differs_is_in_just_one_place(
    drawn: list[Any], other: list[Any], tags: list[float]
) -> None:
    given_record = record(apart(drawn), apart(other), tags=tags)
    found = list(places(given_record))
    keys = [
        {Entity(**_plain(one)).key for one in given_record[side]} for side in ("gold", "entities")
    ]
    told = [[entity.key for one in found for entity in side(one)] for side in (_gold, _model)]
    assert sorted(told[0]) == sorted(keys[0] - keys[1])
    assert sorted(told[1]) == sorted(keys[1] - keys[0])
    for left, right in pairwise(found):
        assert left.span[1] <= right.span[0]
    assert rank([given_record]) == rank([given_record])


def _plain(one: Any) -> Any:
    return {name: one[name] for name in ("start", "end", "label")}


def _gold(place: Place) -> list[Entity]:
    return place.gold.entities


def _model(place: Place) -> list[Entity]:
    return place.model.entities


def test_gold_that_no_model_can_say_is_no_doubt_of_its_own():
    entity = {"start": 0, "end": 3, "label": "PS"}
    record = {
        "id": "1",
        "text": "김철수가",
        "gold": [{**entity, "probability": None, "others": {}}],
        "entities": [],
        "tags": [1.0, 1.0, 1.0, 0.9],
    }
    (ranked,) = rank([record])
    assert ranked.place.gold.probability == 1.0
