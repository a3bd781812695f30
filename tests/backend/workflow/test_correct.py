"""Cleaning an annotation's regions, and comparing a prediction with what a person made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.correct import Correction, clean, compare
from ml_backend.contract.entity import Entity, first_overlap
from ml_backend.contract.label_studio import parse_label_config

CONTROL = parse_label_config(
    '<View><Labels name="label" toName="text"><Label value="PER"/><Label value="LOC"/>'
    '<Label value="GPE/도시 (si)"/></Labels><Text name="text" value="$body"/></View>'
)
TEXT = "😀김철수는 서울에 산다"


def region(start, end, *labels, **changes):
    return {
        "id": "r1",
        "type": "labels",
        "from_name": "label",
        "to_name": "text",
        "value": {"start": start, "end": end, "text": "not read", "labels": list(labels)},
        **changes,
    }


def test_regions_become_sorted_entities_of_the_text():
    entities, counts = clean([region(6, 8, "LOC"), region(1, 4, "PER")], TEXT, CONTROL)
    assert entities == [Entity(1, 4, "PER"), Entity(6, 8, "LOC")]
    assert [TEXT[e.start : e.end] for e in entities] == ["김철수", "서울"]
    assert counts == {}


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        ("text", "not_a_region"),
        (None, "not_a_region"),
        ({"type": "relation", "from_id": "a", "to_id": "b"}, "not_a_region"),
        (region(0, 1, "PER", type="choices"), "other_control"),
        (region(0, 1, "PER", from_name="other"), "other_control"),
        (region(0, 1, "PER", to_name="other"), "other_control"),
        (region("0", 1, "PER"), "not_whole_numbers"),
        (region(0, None, "PER"), "not_whole_numbers"),
        (region(0.5, 2, "PER"), "not_whole_numbers"),
        (region(True, 2, "PER"), "not_whole_numbers"),
        (region(4, 1, "PER"), "reversed"),
        (region(3, 3, "PER"), "empty"),
        (region(-1, 3, "PER"), "out_of_range"),
        (region(0, len(TEXT) + 1, "PER"), "out_of_range"),
        (region(1, 4), "no_label"),
        (region(1, 4, "DATE"), "unknown_label"),
        (region(1, 4, 7), "unknown_label"),
    ],
)
def test_what_cannot_be_read_one_way_is_left_out_and_counted(bad, name):
    entities, counts = clean([bad, region(6, 8, "LOC")], TEXT, CONTROL)
    assert entities == [Entity(6, 8, "LOC")]
    assert counts == {name: 1}


def test_of_several_labels_the_first_known_is_kept():
    entities, counts = clean([region(1, 4, "DATE", "LOC", "PER")], TEXT, CONTROL)
    assert entities == [Entity(1, 4, "LOC")]
    assert counts == {"unknown_label": 1, "several_labels": 1}


def test_duplicates_are_kept_once():
    entities, counts = clean([region(1, 4, "PER")] * 3, TEXT, CONTROL)
    assert entities == [Entity(1, 4, "PER")]
    assert counts == {"duplicate": 2}


def test_of_overlapping_entities_the_longest_then_the_first_then_the_label_set_decides():
    regions = [region(2, 4, "PER"), region(1, 4, "LOC"), region(4, 6, "PER"), region(5, 7, "PER")]
    entities, counts = clean([*regions, region(1, 4, "PER")], TEXT, CONTROL)
    assert entities == [Entity(1, 4, "PER"), Entity(4, 6, "PER")]
    assert counts == {"overlap": 3}


junk = st.one_of(st.none(), st.integers(-5, 30), st.text(max_size=3), st.floats(), st.booleans())
labels_in_regions = st.lists(
    st.one_of(st.sampled_from(["PER", "LOC", "GPE/도시 (si)", "DATE"]), junk), max_size=3
)
any_region = st.one_of(
    junk,
    st.builds(region, junk, junk).map(lambda r: r),
    st.builds(
        lambda start, end, labels: region(start, end, *labels),
        st.integers(-3, 25),
        st.integers(-3, 25),
        labels_in_regions,
    ),
    st.dictionaries(st.sampled_from(["type", "value", "from_name"]), junk),
)


@given(st.lists(any_region, max_size=12), st.text(max_size=20))
def test_whatever_comes_clean_gives_entities_of_the_text_that_are_apart(regions, text):
    entities, counts = clean(regions, text, CONTROL)
    assert all(0 <= e.start < e.end <= len(text) and e.label in CONTROL.labels for e in entities)
    assert entities == sorted(entities)
    assert first_overlap(entities) is None
    left_out = {n: c for n, c in counts.items() if n not in ("unknown_label", "several_labels")}
    assert len(entities) + sum(left_out.values()) <= len(regions)
    if not counts:
        assert len(entities) == len(regions)


@given(st.lists(any_region, max_size=12), st.text(max_size=20), st.randoms())
def test_the_order_of_regions_does_not_decide_what_is_kept(regions, text, random):
    entities, _ = clean(regions, text, CONTROL)
    shuffled = regions[:]
    random.shuffle(shuffled)
    assert clean(shuffled, text, CONTROL)[0] == entities


@pytest.mark.parametrize(
    ("predicted", "final", "expected"),
    [
        ([(0, 2, "PER")], [(0, 2, "PER")], Correction(kept=1)),
        ([], [(0, 2, "PER")], Correction(added=1)),
        ([(0, 2, "PER")], [], Correction(removed=1)),
        ([(0, 2, "PER")], [(0, 3, "PER")], Correction(moved=1)),
        ([(0, 2, "PER")], [(0, 2, "LOC")], Correction(relabelled=1)),
        ([(0, 2, "PER")], [(0, 3, "LOC")], Correction(removed=1, added=1)),
        ([(0, 2, "PER")], [(2, 4, "PER")], Correction(removed=1, added=1)),
        # one predicted span became two: the one with more of it was moved, the other added
        ([(0, 5, "PER")], [(0, 2, "PER"), (2, 5, "PER")], Correction(moved=1, added=1)),
        # relabelled goes before moved
        (
            [(0, 4, "PER")],
            [(0, 4, "LOC"), (0, 3, "PER")],
            Correction(relabelled=1, added=1),
        ),
    ],
)
def test_compare(predicted, final, expected):
    assert compare([Entity(*e) for e in predicted], [Entity(*e) for e in final]) == expected


spans = st.builds(
    lambda start, length, label: Entity(start, start + length, label),
    st.integers(0, 12),
    st.integers(1, 6),
    st.sampled_from(["PER", "LOC"]),
)


@given(st.lists(spans, unique=True), st.lists(spans, unique=True))
def test_compare_counts_each_entity_once(predicted, final):
    c = compare(predicted, final)
    assert c.kept + c.removed + c.moved + c.relabelled == len(predicted)
    assert c.kept + c.added + c.moved + c.relabelled == len(final)
    assert c.changed == (set(predicted) != set(final))
    assert min(c.to_dict().values()) >= 0


@given(st.lists(spans, unique=True), st.lists(spans, unique=True))
def test_compare_backwards_swaps_added_and_removed(predicted, final):
    there, back = compare(predicted, final), compare(final, predicted)
    assert (there.kept, there.relabelled) == (back.kept, back.relabelled)
    assert there.added - there.removed == back.removed - back.added
