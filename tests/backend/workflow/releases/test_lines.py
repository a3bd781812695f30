"""Gold as it is stored becomes lines; what is not as it should be is left for a closer look."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from backend.workflow.releases.lines import ReleasedGold, StoredEntities, encode, own_data

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(texts, st.lists(st.integers(0, 20), unique=True), st.sampled_from([["PS"], ["PS", "날짜"]]))
def test_a_line_is_what_orjson_writes(text: str, cuts: list[int], labels: list[str]) -> None:
    places = sorted(cut for cut in cuts if cut <= len(text))
    stored = [
        {"start": start, "end": end, "label": labels[start % len(labels)]}
        for start, end in zip(places[::2], places[1::2], strict=False)
    ]
    entities = StoredEntities(labels).read(text, json.dumps(stored))
    assert entities is not None
    own = {"b": text, "a": 1}
    line = encode(ReleasedGold(text, text, entities, UNSET, own_data(json.dumps(own))))
    assert line == orjson.dumps(
        {
            "id": text,
            "text": text,
            "entities": [{**one, "text": text[one["start"] : one["end"]]} for one in stored],
            "meta": {"a": 1, "b": text},
        }
    )


@pytest.mark.parametrize(
    "stored",
    [
        {"start": 0, "end": 6, "label": "PS"},
        {"start": -1, "end": 2, "label": "PS"},
        {"start": 2, "end": 2, "label": "PS"},
        {"start": 0.0, "end": 2, "label": "PS"},
        {"start": False, "end": 2, "label": "PS"},
        {"start": 0, "end": 10**30, "label": "PS"},
        {"start": 0, "end": 2, "label": "LC"},
        {"start": 0, "end": 2, "label": ["PS"]},
        {"start": 0, "end": 2, "label": "PS", "text": "가나"},
        {"start": 0, "end": 2, "label": "PS", "score": 1},
        {"start": 0, "end": 2},
        [0, 2, "PS"],
        None,
    ],
)
def test_what_is_not_plain_is_left_for_a_closer_look(stored: object) -> None:
    assert StoredEntities(["PS"]).read("가나다라마", json.dumps([stored])) is None


def test_entities_out_of_order_and_labels_where_there_are_none_are_left_for_a_closer_look() -> None:
    one, other = {"start": 2, "end": 4, "label": "PS"}, {"start": 0, "end": 2, "label": "PS"}
    assert StoredEntities(["PS"]).read("가나다라마", json.dumps([one, other])) is None
    assert StoredEntities(["PS"]).read("가나다라마", json.dumps([other, one])) is not None
    assert StoredEntities([]).read("가나다라마", json.dumps([one])) is None
    assert StoredEntities([]).read("가나다라마", "[]") == []
