"""Agreement: strict F1 of pairs, and alpha against its published examples and its definition."""

import random
from itertools import permutations

import pytest

from backend.workflow.agreement import SharedDocument, agreement, alpha

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


def document(*said: set[tuple[int, int, str]], length: int = 10) -> SharedDocument:
    return SharedDocument(length, {n: frozenset(spans) for n, spans in enumerate(said, start=1)})


def test_two_who_say_the_same_agree_fully():
    found = agreement([document({(0, 3, "PS"), (5, 8, "LC")}, {(5, 8, "LC"), (0, 3, "PS")})])
    assert (found.documents, found.exact, found.f1, found.alpha) == (1, 1, 1.0, 1.0)


def test_another_boundary_costs_f1_all_and_alpha_a_character():
    found = agreement(
        [document({(0, 4, "PS")}, {(0, 3, "PS")}), document({(0, 4, "PS")}, {(0, 4, "PS")})]
    )
    assert found.f1 == 0.5
    assert found.exact == 1
    units = [*[(1, "PP")] * 7, (1, "PO"), *[(1, "OO")] * 12]
    assert found.alpha == alpha(units)


def test_pairs_and_people_are_told_apart():
    same, other = {(0, 3, "PS")}, {(4, 6, "LC")}
    found = agreement([document(same, same, other), document(same), document(set(), set())])
    assert found.documents == 2
    assert found.pairs == {(1, 2): (2, 1.0), (1, 3): (1, 0.0), (2, 3): (1, 0.0)}
    assert found.by_person == {1: pytest.approx(2 / 3), 2: pytest.approx(2 / 3), 3: 0.0}
    assert agreement([]).f1 is None
