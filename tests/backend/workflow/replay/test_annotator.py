"""The simulated person counts edits as people make them."""

from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.replay.annotator import Work, annotate
from backend.workflow.selection.cost import DEFAULTS
from ml_backend.contract.entity import Entity

LENGTH = 20


@st.composite
def entities(draw: st.DrawFn) -> list[Entity]:
    borders = sorted(draw(st.sets(st.integers(0, LENGTH), max_size=8)))
    spans = zip(borders[::2], borders[1::2], strict=False)
    return [Entity(start, end, draw(st.sampled_from("AB"))) for start, end in spans]


def test_each_kind_of_edit_is_one():
    gold = [Entity(0, 2, "A"), Entity(3, 5, "A"), Entity(6, 8, "A"), Entity(9, 11, "A")]
    shown = [Entity(0, 2, "A"), Entity(3, 6, "A"), Entity(6, 8, "B"), Entity(12, 14, "A")]
    work = annotate(LENGTH, gold, shown, DEFAULTS)
    assert (work.kept, work.moved, work.relabelled, work.removed, work.added) == (1, 1, 1, 1, 1)
    assert (work.documents, work.entities, work.edits) == (1, 4, 4)
    assert work.seconds == float(DEFAULTS.seconds(LENGTH, 4, 4))


def test_another_span_with_another_label_is_deleted_and_drawn_anew():
    work = annotate(LENGTH, [Entity(0, 2, "A")], [Entity(1, 3, "B")], DEFAULTS)
    assert (work.removed, work.added, work.edits) == (1, 1, 2)


@given(entities(), entities())
def test_every_prelabel_and_every_gold_entity_is_counted_once(
    gold: list[Entity], shown: list[Entity]
) -> None:
    work = annotate(LENGTH, gold, shown, DEFAULTS)
    assert work.kept + work.removed + work.moved + work.relabelled == len(set(shown))
    assert work.kept + work.added + work.moved + work.relabelled == len(set(gold))


@given(entities())
def test_an_empty_page_takes_an_edit_an_entity_and_right_prelabels_take_none(
    gold: list[Entity],
) -> None:
    assert annotate(LENGTH, gold, [], DEFAULTS).edits == len(gold)
    assert annotate(LENGTH, gold, gold, DEFAULTS).edits == 0


def test_work_adds_up():
    assert Work(1, 2, 1, 1, 0, 0, 0, 3.0) + Work(1, 1, 0, 0, 1, 1, 1, 2.0) == Work(
        2, 3, 1, 1, 1, 1, 1, 5.0
    )
