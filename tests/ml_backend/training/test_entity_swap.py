"""Entity swap: offsets exact, everything outside entities untouched, particles right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.tagger.windows import WINDOW
from ml_backend.training.dataset import Example
from ml_backend.training.entity_swap import EntitySwap, ending

SURFACES = ["롯데", "한국", "서울", "LG", "三星", "7", "😀", "가\u0301"]
GAPS = ["", " ", "는 ", "을 ", ", ", "\n\n", "와 "]


@st.composite
def examples(draw: st.DrawFn) -> Example:
    text, entities = draw(st.sampled_from(GAPS)), []
    for _ in range(draw(st.integers(0, 5))):
        surface = draw(st.sampled_from(SURFACES))
        entities.append(Entity(len(text), len(text) + len(surface), draw(st.sampled_from("AB"))))
        text += surface + draw(st.sampled_from(GAPS))
    return Example(text, entities, frozenset({"C"}), 0.5, "g")


def outside(example: Example) -> list[str]:
    """What lies between the entities."""
    cuts = [0, *(place for e in example.entities for place in (e.start, e.end)), None]
    return [example.text[a:b] for a, b in zip(cuts[::2], cuts[1::2], strict=True)]


@given(st.lists(examples(), min_size=1, max_size=4), st.integers(0, 9), st.integers(0, 3))
def test_only_entities_change_and_only_to_ones_of_their_label(gold, time, seed) -> None:
    known = {(e.label, one.text[e.start : e.end]) for one in gold for e in one.entities}
    swap = EntitySwap(gold, 0.7, seed=seed)
    for place, one in enumerate(gold):
        swapped = swap.example(place, time)
        assert outside(swapped) == outside(one)
        assert [e.label for e in swapped.entities] == [e.label for e in one.entities]
        assert {(e.label, swapped.text[e.start : e.end]) for e in swapped.entities} <= known
        assert (swapped.missing, swapped.weight, swapped.group) == ({"C"}, 0.5, "g")
        assert swap.example(place, time) == swapped


def test_a_particle_keeps_what_it_stands_after() -> None:
    names = [
        Example(name, [Entity(0, len(name), "ORG")]) for name in ("롯데", "한국", "서울", "LG")
    ]
    names += [Example(name, [Entity(0, len(name), "ORG")]) for name in ("기아", "삼성", "제일")]
    sentences = [
        Example(f"{name}{particle} 갔다", [Entity(0, 2, "ORG")])
        for name, particle in (("롯데", "로"), ("한국", "으로"), ("서울", "로"))
    ]
    swap = EntitySwap([*names, *sentences], 0.9, seed=1)
    seen = [
        {swap.example(len(names) + place, time).text for time in range(60)} for place in range(3)
    ]
    assert seen[0] == {"롯데로 갔다", "기아로 갔다"}
    assert seen[1] == {"한국으로 갔다", "삼성으로 갔다"}
    assert seen[2] == {"서울로 갔다", "제일로 갔다"}


def test_without_hangul_after_it_any_other_of_the_label_may_stand() -> None:
    gold = [Example("롯데 팀", [Entity(0, 2, "ORG")]), Example("LG, 팀", [Entity(0, 2, "ORG")])]
    swap = EntitySwap(gold, 0.9, seed=0)
    assert {swap.example(0, time).text for time in range(40)} == {"롯데 팀", "LG 팀"}


def test_the_share_is_that_of_the_entities() -> None:
    gold = [Example(f"{n} x", [Entity(0, len(str(n)), "A")]) for n in range(1000, 2000)]
    swap = EntitySwap(gold, 0.3, seed=0)
    changed = sum(swap.example(place, 0).text != one.text for place, one in enumerate(gold))
    assert changed == pytest.approx(300, abs=60)
    assert EntitySwap(gold, 0.0, seed=0).example(5, 0) is gold[5]


def test_times_and_seeds_differ() -> None:
    gold = [Example(f"{n}", [Entity(0, 1, "A")]) for n in range(10)]
    by_time = [EntitySwap(gold, 0.9, seed=0).example(0, time).text for time in range(30)]
    by_seed = [EntitySwap(gold, 0.9, seed=seed).example(0, 0).text for seed in range(30)]
    assert len(set(by_time)) > 5
    assert len(set(by_seed)) > 5


def test_a_text_never_grows_over_a_window_and_nested_entities_stay() -> None:
    long = Example(
        "x" * 40 + " " * (WINDOW - 41) + "y", [Entity(0, 40, "A"), Entity(511, 512, "A")]
    )
    nested = Example("abcd", [Entity(0, 4, "A"), Entity(1, 2, "A")])
    swap = EntitySwap([long, nested, Example("z" * 90, [Entity(0, 90, "A")])], 0.9, seed=0)
    for time in range(50):
        assert len(swap.example(0, time).text) <= WINDOW
        assert swap.example(1, time) == nested


@pytest.mark.parametrize(
    ("surface", "expected"),
    [("롯데", "vowel"), ("서울", "ㄹ"), ("한국", "consonant"), ("7", "ㄹ"), ("10", "consonant"),
     ("2", "vowel"), ("LG", "unknown"), ("(주)", "unknown"), ("三", "unknown")],
)  # fmt: skip
def test_endings(surface: str, expected: str) -> None:
    assert ending(surface) == expected
