"""Renaming and merging: always one step, whatever is done after what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInputError
from backend.workflow.labels.label_map import LabelMap
from ml_backend.contract.entity import Entity

NAMES = st.sampled_from("ABCDEF")
STEPS = st.lists(st.tuples(st.sampled_from(["rename", "merge"]), NAMES, NAMES), max_size=12)


def after(steps: list[tuple[str, str, str]]) -> list[LabelMap]:
    """The mapping after each step that was not refused, the empty one first."""
    found = [LabelMap()]
    for what, label, other in steps:
        try:
            found.append(getattr(found[-1], what)(label, other))
        except InvalidInputError:
            assert label == other or label in found[-1].targets
    return found


@given(STEPS)
def test_no_chains_no_cycles_and_twice_is_once(steps):
    for mapping in after(steps):
        for label in "ABCDEF":
            assert mapping.of(mapping.of(label)) == mapping.of(label)
        assert not set(mapping.targets) & set(mapping.targets.values())
        entities = [Entity(n, n + 1, label) for n, label in enumerate("ABCDEF")]
        once = mapping.apply(entities)
        assert mapping.apply(once) == once
        assert [(one.start, one.end) for one in once] == [(n, n + 1) for n in range(6)]


@given(STEPS, st.sampled_from(["rename", "merge"]), NAMES, NAMES)
def test_a_step_makes_two_labels_one_and_parts_none(steps, what, label, other):
    before = after(steps)[-1]
    try:
        now = getattr(before, what)(label, other)
    except InvalidInputError:
        return
    assert now.of(label) == now.of(other)
    for one in "ABCDEF":
        for two in "ABCDEF":
            if before.of(one) == before.of(two):
                assert now.of(one) == now.of(two)
            elif now.of(one) == now.of(two):
                assert {before.of(one), before.of(two)} == {label, before.of(other)}


@given(STEPS)
def test_every_label_has_one_meaning_of_its_target(steps):
    mapping = after(steps)[-1]
    meanings = mapping.meanings("ABCDEF")
    told = [label for same in meanings.values() for names in same for label in names]
    assert sorted(told) == list("ABCDEF")
    for target, same in meanings.items():
        assert all(mapping.of(label) == target for names in same for label in names)


def test_renaming_is_another_name_and_merging_is_not():
    mapping = LabelMap().rename("PS", "PERSON").merge("GOV", "ORG").rename("PERSON", "인물")
    assert dict(mapping.targets) == {"PS": "인물", "PERSON": "인물", "GOV": "ORG"}
    assert mapping.meanings(["PS", "GOV", "ORG", "인물"]) == {
        "인물": [{"PS", "인물"}],
        "ORG": [{"GOV"}, {"ORG"}],
    }


def test_a_label_that_is_renamed_back_has_its_name_again():
    mapping = LabelMap().rename("PS", "PERSON").rename("PERSON", "PS")
    assert dict(mapping.targets) == {"PERSON": "PS"}
    assert mapping.of("PS") == "PS"


def test_the_target_of_a_target_is_what_counts():
    mapping = LabelMap().merge("B", "C").merge("A", "B")
    assert dict(mapping.targets) == {"B": "C", "A": "C"}


def test_what_has_become_one_is_there_once():
    nested = [Entity(0, 2, "A"), Entity(0, 2, "B"), Entity(0, 1, "C")]
    found = LabelMap().merge("A", "B").apply(nested)
    assert [one.key for one in found] == [(0, 1, "C"), (0, 2, "B")]


@pytest.mark.parametrize("label", ["", " A", "A ", "x" * 201])
def test_what_cannot_be_a_label_is_refused(label):
    with pytest.raises(InvalidInputError, match="cannot be a label"):
        LabelMap().rename("A", label)


def test_a_label_that_is_mapped_is_refused_by_name():
    with pytest.raises(InvalidInputError, match="'A' is 'B' already"):
        LabelMap().merge("A", "B").merge("A", "C")
