"""Who accepts wrong pre-labels: the test against its definition, and its promises by simulation."""

import random
from itertools import combinations

import pytest

from backend.workflow.annotators.bias_flag import LEVEL, TOLERANCE, LetStand, judge_people

NOBODY = LetStand()


def by_definition(its: LetStand, others: LetStand) -> float:
    """P(as many or more of these stood | how many in all), of all ways in which they could."""
    total = its + others
    weight = {True: 0.0, False: 0.0}
    for stood in combinations(range(total.wrong), total.stood):
        mine = sum(place < its.wrong for place in stood)
        weight[mine >= its.stood] += TOLERANCE**mine
    return weight[True] / sum(weight.values())


@pytest.mark.parametrize(
    ("its", "others"),
    [
        (LetStand(4, 3), LetStand(6, 1)),
        (LetStand(5, 1), LetStand(5, 3)),
        (LetStand(3, 3), LetStand(8, 0)),
    ],
)
def test_the_probability_is_its_definition(its, others):
    found = judge_people({1: its}, others)[1]
    assert found.p == pytest.approx(by_definition(its, others))
    assert found.others == others.share


def test_without_anything_to_compare_with_nobody_is_flagged():
    assert judge_people({}, NOBODY) == {}
    alone = judge_people({1: LetStand(50, 50), 2: NOBODY}, NOBODY)
    assert alone.keys() == {1}
    assert (alone[1].p, alone[1].flagged, alone[1].others) == (1.0, False, None)


def test_who_is_alone_is_held_against_blind_documents():
    assert judge_people({1: LetStand(60, 40)}, LetStand(30, 2))[1].flagged
    assert not judge_people({1: LetStand(60, 6)}, LetStand(30, 2))[1].flagged


def test_one_who_signs_everything_does_not_hide_another():
    people = {1: LetStand(100, 95), 2: LetStand(100, 40), 3: LetStand(100, 4), 4: LetStand(100, 6)}
    found = judge_people(people, NOBODY)
    assert [person for person, its in found.items() if its.flagged] == [1, 2]


def test_careful_people_who_differ_are_seldom_flagged():
    """At the border of what chance allows, the chance of any false flag is LEVEL at most."""
    rng = random.Random(4)
    false = 0
    for _ in range(300):
        people = {
            person: LetStand(80, sum(rng.random() < share for _ in range(80)))
            for person, share in enumerate((0.10, 0.05, 0.05, 0.05, 0.05, 0.05))
        }
        false += any(its.flagged for its in judge_people(people, NOBODY).values())
    assert false <= 300 * LEVEL
