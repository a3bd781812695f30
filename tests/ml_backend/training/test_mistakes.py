"""Pairs of gold and predicted entities, by hand, by brute force and by nervaluate."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate.evaluator import Evaluator

from ml_backend.contract.entity import Entity
from ml_backend.contract.scoring import score
from ml_backend.training.mistakes import Kind, mistakes, pairs

LABELS = ["PER", "LOC"]


@st.composite
def flat(draw: st.DrawFn) -> list[Entity]:
    """Sorted entities that do not overlap, in a text of 12 characters."""
    cuts = sorted(draw(st.sets(st.integers(0, 12), max_size=8)))
    spans = [Entity(s, e, draw(st.sampled_from(LABELS))) for s, e in itertools.pairwise(cuts)]
    return [span for span in spans if draw(st.booleans())]


@st.composite
def nested(draw: st.DrawFn) -> list[Entity]:
    """Any entities, also nested and crossing."""
    span = st.tuples(st.integers(0, 6), st.integers(1, 6), st.sampled_from(LABELS))
    return sorted({Entity(s, s + n, label) for s, n, label in draw(st.lists(span, max_size=6))})


documents = st.lists(st.tuples(flat(), flat()), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ([(0, 2, "PER")], [(0, 2, "PER")], ["right"]),
        ([(0, 2, "PER")], [(0, 2, "LOC")], ["label"]),
        ([(0, 2, "PER")], [(0, 3, "PER")], ["boundary"]),
        ([(0, 2, "PER")], [(1, 3, "LOC")], ["label_and_boundary"]),
        ([(0, 2, "PER")], [(2, 4, "PER")], ["missed", "spurious"]),
        # one prediction over two gold entities stands for one of them: the one of its label
        ([(0, 2, "LOC"), (2, 3, "PER")], [(0, 3, "PER")], ["boundary", "missed"]),
        # the equal span comes before a longer overlap
        ([(0, 9, "PER"), (3, 5, "LOC")], [(3, 5, "PER")], ["label", "missed"]),
        ([(0, 2, "PER"), (0, 2, "PER")], [(0, 2, "PER")], ["right"]),
    ],
)
def test_by_hand(gold, predicted, kinds) -> None:
    found = pairs([Entity(*e) for e in gold], [Entity(*e) for e in predicted])
    assert sorted(pair.kind for pair in found) == sorted(kinds)


@given(nested(), nested())
def test_every_entity_is_in_one_pair_and_what_overlaps_is_not_left_over(gold, predicted) -> None:
    found = pairs(gold, predicted)
    assert sorted(p.gold for p in found if p.gold) == gold
    assert sorted(p.predicted for p in found if p.predicted) == predicted
    for pair in found:
        if pair.gold and pair.predicted:
            assert pair.gold.overlaps(pair.predicted)
    missed = [pair.gold for pair in found if pair.kind is Kind.MISSED]
    spurious = [pair.predicted for pair in found if pair.kind is Kind.SPURIOUS]
    assert not any(one.overlaps(other) for one in missed for other in spurious)


@given(documents)
def test_rows_and_columns_add_up_to_the_strict_counts(both) -> None:
    gold, predicted = [g for g, _ in both], [p for _, p in both]
    found, scores = mistakes(gold, predicted), score(gold, predicted)
    assert found.kinds[Kind.RIGHT] == scores.micro.true_positive
    for label, counts in scores.per_label.items():
        row = sum(n for (wanted, _), n in found.confusion.items() if wanted == label)
        column = sum(n for (_, said), n in found.confusion.items() if said == label)
        assert found.confusion[label, label] == counts.true_positive
        assert row + found.missed[label] == counts.support
        assert column + found.spurious[label] == counts.predicted


def _one_to_one(gold: list[Entity], predicted: list[Entity]) -> bool:
    """Whether no entity overlaps two of the other side: then there is only one way to pair."""
    return all(
        sum(one.overlaps(other) for other in others) < 2
        for side, others in ((gold, predicted), (predicted, gold))
        for one in side
    )


@given(documents)
def test_kinds_are_those_of_nervaluate_where_it_has_no_choice(both) -> None:
    both = [(gold, predicted) for gold, predicted in both if _one_to_one(gold, predicted)]
    if not any(gold or predicted for gold, predicted in both):
        return
    gold, predicted = [g for g, _ in both], [p for _, p in both]

    def spans(side: list[list[Entity]]) -> list[list[dict[str, object]]]:
        # nervaluate's ends are inclusive
        return [[{"label": e.label, "start": e.start, "end": e.end - 1} for e in d] for d in side]

    # of long spans an overlap of a hundredth is enough for it, so every overlap is
    result = Evaluator(spans(gold), spans(predicted), tags=LABELS, loader="dict").evaluate()
    theirs = result["overall"]
    kinds = mistakes(gold, predicted).kinds
    right = theirs["strict"].correct
    assert kinds[Kind.RIGHT] == right
    assert kinds[Kind.LABEL] == theirs["exact"].correct - right
    assert kinds[Kind.LABEL] + kinds[Kind.BOTH] == theirs["ent_type"].incorrect
    assert kinds[Kind.BOUNDARY] + kinds[Kind.BOTH] == theirs["partial"].partial
    assert kinds[Kind.MISSED] == theirs["partial"].missed
    assert kinds[Kind.SPURIOUS] == theirs["partial"].spurious


def test_as_json_the_most_frequent_confusion_comes_first() -> None:
    gold = [[Entity(0, 1, "PER")], [Entity(0, 1, "LOC")], [Entity(0, 1, "LOC")]]
    predicted = [[Entity(0, 1, "LOC")], [Entity(0, 1, "LOC")], [Entity(0, 1, "LOC")]]
    record = mistakes(gold, predicted).to_dict()
    assert record["confusion"] == [
        {"gold": "LOC", "predicted": "LOC", "count": 2},
        {"gold": "PER", "predicted": "LOC", "count": 1},
    ]
    assert record["kinds"]["label"] == 1
