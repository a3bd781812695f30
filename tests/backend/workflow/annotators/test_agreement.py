"""Agreement: strict F1, kappa and alpha, against published examples, definitions and an oracle."""

import random
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from backend.workflow.annotators.agreement import MOST_DISAGREEMENTS, SharedDocument, agreement
from backend.workflow.annotators.chance import alpha, kappa, tokens

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers,
# twelve units, nominal data with missing ones
RELIABILITY = [
    (1, 1, 1), (2, 2, 3, 2), (3, 3, 3, 3), (3, 3, 3, 3), (2, 2, 2, 2), (1, 2, 3, 4),
    (4, 4, 4, 4), (1, 1, 2, 1), (2, 2, 2, 2), (5, 5, 5), (1, 1), (3,),
]  # fmt: skip


def test_alpha_of_the_published_example():
    assert alpha((1, unit) for unit in RELIABILITY) == pytest.approx(0.743, abs=0.0005)


def test_alpha_is_its_definition():
    rng = random.Random(2)
    units = [[rng.choice("aab") for _ in range(rng.choice((1, 2, 3, 4)))] for _ in range(60)]
    paired = [unit for unit in units if len(unit) > 1]
    values = [value for unit in paired for value in unit]
    differ = sum(
        sum(one != other for one, other in permutations(unit, 2)) / (len(unit) - 1)
        for unit in paired
    )
    by_chance = sum(one != other for one, other in permutations(values, 2))
    expected = 1 - (differ / len(values)) / (by_chance / (len(values) * (len(values) - 1)))
    assert alpha((1, unit) for unit in units) == pytest.approx(expected)


def test_a_unit_that_comes_often_is_so_many_units():
    often = alpha([(3, "ab"), (5, "aa"), (2, "bb")])
    assert often == alpha([*[(1, "ab")] * 3, *[(1, "aa")] * 5, *[(1, "bb")] * 2])


@pytest.mark.parametrize("units", [[], [(4, "a")], [(4, "aa")]])
def test_without_two_values_there_is_no_alpha(units):
    assert alpha(units) is None


@given(st.lists(st.tuples(st.sampled_from("OPL"), st.sampled_from("OPL")), min_size=1))
def test_kappa_is_that_of_scikit_learn(given_values):
    found = kappa(Counter(given_values))
    left, right = zip(*given_values, strict=True)
    if len({*left, *right}) == 1:
        assert found is None
    else:
        assert found == pytest.approx(cohen_kappa_score(left, right))


def test_kappa_of_nothing_is_none():
    assert kappa({}) is None


@pytest.mark.parametrize(
    ("text", "surfaces"),
    [
        ("김철수는 서울에 갔다.", ["김철수는", "서울에", "갔다", "."]),
        ("叶老桂去北京", list("叶老桂去北京")),
        ("COVID-19 검사😀", ["COVID", "-", "19", "검사", "😀"]),
        ("", []),
    ],
)
def test_tokens_are_words_and_chinese_characters(text, surfaces):
    assert [text[start:end] for start, end in tokens(text)] == surfaces


def document(*said: set[tuple[int, int, str]], text: str = "가나다라 마바사아자") -> SharedDocument:
    its = {n: frozenset(spans) for n, spans in enumerate(said, start=1)}
    return SharedDocument(1, text, its)


def test_two_who_say_the_same_agree_fully():
    found = agreement([document({(0, 3, "PS"), (5, 8, "LC")}, {(5, 8, "LC"), (0, 3, "PS")})])
    its = found.overall
    assert (its.documents, its.entities, found.exact) == (1, 4, 1)
    assert (its.f1, its.kappa, its.alpha) == (1.0, 1.0, 1.0)
    assert found.disagreements == []


def test_another_boundary_costs_f1_all_alpha_a_character_and_kappa_nothing():
    same = {(0, 4, "PS")}
    found = agreement([document(same, {(0, 3, "PS")}), document(same, same)])
    assert (found.overall.f1, found.exact) == (0.5, 1)
    units = [*[(1, "PP")] * 7, (1, "PO"), *[(1, "OO")] * 12]
    assert found.overall.alpha == alpha(units)
    assert found.overall.kappa == 1.0  # the token is the same


def test_labels_are_told_apart():
    found = agreement(
        [
            document({(0, 4, "PS"), (5, 10, "LC")}, {(0, 4, "PS"), (5, 10, "OG")}),
            document({(0, 4, "PS")}, {(0, 4, "PS")}),
        ]
    )
    assert list(found.labels) == ["PS", "LC", "OG"]
    ps, lc = found.labels["PS"], found.labels["LC"]
    assert (ps.documents, ps.entities, ps.f1, ps.kappa, ps.alpha) == (2, 4, 1.0, 1.0, 1.0)
    assert (lc.documents, lc.entities, lc.f1) == (1, 1, 0.0)
    assert lc.kappa == 0.0  # Cohen's of one who never gives it
    assert lc.alpha == alpha([(5, "LO"), (15, "OO")])


def test_pairs_and_people_are_told_apart():
    same, other = {(0, 3, "PS")}, {(5, 7, "LC")}
    found = agreement([document(same, same, other), document(same), document(set(), set())])
    assert found.overall.documents == 2
    assert {pair: (its.documents, its.f1) for pair, its in found.pairs.items()} == {
        (1, 2): (2, 1.0), (1, 3): (1, 0.0), (2, 3): (1, 0.0),
    }  # fmt: skip
    assert found.by_person == {1: 0.5, 2: 0.5, 3: 0.0}
    assert found.pairs[1, 3].alpha < 0
    assert [len(one.said) for one in found.disagreements] == [3]


def test_without_documents_there_is_nothing_to_tell():
    found = agreement([document({(0, 3, "PS")})])
    assert (found.overall.documents, found.overall.f1, found.overall.kappa) == (0, None, None)
    assert found.labels == found.pairs == found.by_person == {}


def test_no_more_disagreements_are_kept_than_anybody_reads():
    many = [document({(0, 3, "PS")}, set())] * (MOST_DISAGREEMENTS + 3)
    assert len(agreement(many).disagreements) == MOST_DISAGREEMENTS


SPANS = st.sets(
    st.tuples(st.integers(0, 8), st.integers(1, 3), st.sampled_from(["PS", "LC"])).map(
        lambda one: (one[0], min(10, one[0] + one[1]), one[2])
    ),
    max_size=4,
)


@given(st.lists(st.tuples(SPANS, SPANS, SPANS), min_size=1, max_size=4))
def test_who_stands_first_makes_no_difference(rows):
    forth = agreement([document(*row) for row in rows])
    back = agreement([document(*reversed(row)) for row in rows])
    for one, other in ((forth.overall, back.overall), (forth.pairs[1, 3], back.pairs[1, 3])):
        assert (one.f1, one.entities) == (other.f1, other.entities)
        assert one.kappa == pytest.approx(other.kappa)
        assert one.alpha == pytest.approx(other.alpha)
