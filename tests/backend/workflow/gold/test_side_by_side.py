"""Two readings side by side: every entity that differs is marked on its own text, and no other."""

from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.gold.side_by_side import Reading, side_by_side
from ml_backend.contract.entity import Entity


def test_exact_copies_differ_in_what_is_said_through_their_spaces() -> None:
    first = Reading("롯데는 서울에 갔다", [Entity(0, 2, "PS"), Entity(4, 6, "LC")])
    second = Reading("롯데는  서울에 갔다", [Entity(0, 2, "OG"), Entity(5, 8, "LC")])
    left, right = side_by_side(first, second, casefold=False)
    assert left.differences == {Entity(0, 2, "PS"): "relabelled", Entity(4, 6, "LC"): "moved"}
    assert right.differences == {Entity(0, 2, "OG"): "relabelled", Entity(5, 8, "LC"): "moved"}
    assert (left.changed, len(right.changed)) == ([], 1)
    start, end = right.changed[0]
    assert second.text[start:end] == " "


def test_near_copies_are_held_against_each_other_where_they_are_the_same() -> None:
    first = Reading("김철수는 28일 서울에 갔다", [Entity(0, 3, "PS"), Entity(9, 11, "LC")])
    second = Reading("이영희는 28일 서울에 갔다", [Entity(0, 3, "PS"), Entity(5, 8, "DT")])
    left, right = side_by_side(first, second, casefold=False)
    assert left.differences == {Entity(9, 11, "LC"): "removed"}
    assert right.differences == {Entity(5, 8, "DT"): "added"}
    assert left.changed == right.changed == [(0, 3)]


@given(st.text(alphabet="가나 12ab", min_size=1, max_size=20), st.data())
def test_a_reading_beside_itself_differs_in_nothing(text: str, data: st.DataObject) -> None:
    span = st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text))).filter(
        lambda at: at[0] < at[1]
    )
    spans = data.draw(st.sets(span, max_size=4))
    reading = Reading(text, [Entity(start, end, "PS") for start, end in spans])
    for side in side_by_side(reading, reading, casefold=False):
        assert (side.differences, side.changed) == ({}, [])
