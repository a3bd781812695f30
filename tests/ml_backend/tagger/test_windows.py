import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.windows import OVERLAP, WINDOW, Window, merged, windows

LENGTHS = [1, 2, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - OVERLAP, 10_000, 123_457]


def pieces_in(window: Window, entities: Sequence[Entity], probability: float = 0.9) -> Decoded:
    """What a perfect reader of a window sees: entities cut off where the window ends."""
    seen = []
    for entity in entities:
        start, end = max(entity.start, window.start), min(entity.end, window.end)
        if start < end:
            p = entity.probability or probability
            seen.append(Entity(start - window.start, end - window.start, entity.label, p))
    return Decoded(sorted(seen), probability ** len(seen))


def read(length: int, entities: Sequence[Entity], *, nested: bool = False) -> Decoded:
    parts = [(window, pieces_in(window, entities)) for window in windows(0, length)]
    return merged(parts, nested=nested)


@pytest.mark.parametrize("length", LENGTHS)
def test_each_character_is_owned_once_and_lies_of_second(length: int) -> None:
    parts = list(windows(0, length))
    assert [w.owned for w in parts] == [0, *(w.owned_end for w in parts[:-1])]
    assert parts[-1].owned_end == length
    for window in parts:
        assert window.end - window.start <= WINDOW
        assert window.start <= window.owned < window.owned_end <= window.end
        assert window.start == 0 or window.owned - window.start >= OVERLAP // 2
        assert window.end == length or window.end - window.owned_end >= OVERLAP // 2


def test_an_empty_text_has_no_window_and_a_certain_reading() -> None:
    assert list(windows(0, 0)) == []
    assert merged([]) == Decoded([], 1.0)


@settings(deadline=None)
@given(st.integers(1, 4000), st.randoms(use_true_random=False))
def test_what_perfect_windows_see_is_found_whole(length: int, rng: random.Random) -> None:
    entities, at = [], rng.randrange(40)
    while at < length:
        end = min(length, at + rng.choice([1, 2, 5, 60, 127, 129, 300, 1500]))
        entities.append(Entity(at, end, rng.choice("AB")))
        at = end + rng.choice([0, 1, 30, 200])
    assert read(length, entities).entities == entities


@settings(deadline=None)
@given(st.integers(600, 3000), st.randoms(use_true_random=False))
def test_nested_entities_survive_where_the_head_nests(length: int, rng: random.Random) -> None:
    entities, at = [], rng.randrange(40)
    while at < length - 10:
        end = min(length, at + rng.randrange(4, 60))
        middle = rng.randrange(at + 1, end)
        entities += [Entity(at, end, "A"), Entity(at, middle, "B"), Entity(middle, end, "A")]
        at = end + rng.choice([0, 1, 30])
    assert read(length, entities, nested=True).entities == sorted(entities)


def moved(window: Window, *entities: Entity, confidence: float = 0.5) -> Decoded:
    return Decoded(
        [
            Entity(e.start - window.start, e.end - window.start, e.label, e.probability)
            for e in entities
        ],
        confidence,
    )


def test_rivals_are_settled_by_probability() -> None:
    first, second = windows(0, WINDOW + 100)
    border = first.owned_end
    across = Entity(border - 2, border + 4, "A", 0.6)
    sure, unsure = Entity(border, border + 5, "B", 0.9), Entity(border, border + 5, "B", 0.1)
    for nested in (False, True):
        for rival, stays in ((sure, sure), (unsure, across)):
            parts = [(first, moved(first, across)), (second, moved(second, rival))]
            assert merged(parts, nested=nested).entities == [stays]


def test_a_nested_entity_that_only_one_window_owns_goes_with_the_one_around_it() -> None:
    first, second = windows(0, WINDOW + 100)
    border = first.owned_end
    around, inner = (
        Entity(border - 9, border + 9, "A", 0.6),
        Entity(border + 1, border + 3, "B", 0.7),
    )
    parts = [(first, moved(first, around)), (second, moved(second, inner))]
    assert merged(parts, nested=True).entities == [around, inner]
    assert merged(parts).entities == [inner]


def test_what_a_window_cut_gives_way_to_what_another_saw_whole() -> None:
    first, second = windows(0, WINDOW + 100)
    cut = Entity(first.owned_end - 1, first.end, "A", 0.99)
    whole = Entity(first.owned_end - 1, first.end + 7, "A", 0.5)
    parts = [(first, moved(first, cut)), (second, moved(second, whole))]
    assert merged(parts).entities == [whole]


def test_two_that_only_touch_opposite_edges_are_not_joined() -> None:
    first, second = windows(0, WINDOW + 100)
    late, early = (
        Entity(first.end - 3, first.end, "A", 0.9),
        Entity(second.start, second.start + 3, "A", 0.9),
    )
    parts = [(first, moved(first, early, late)), (second, moved(second, early, late))]
    assert merged(parts).entities == [early, late]


def test_a_probability_comes_from_the_window_in_which_the_entity_lies_most_inside() -> None:
    first, second = windows(0, WINDOW + 100)
    of_first = Entity(first.end - 70, first.end - 60, "A", 0.2)
    of_second = Entity(first.end - 70, first.end - 60, "A", 0.8)
    parts = [(first, moved(first, of_first)), (second, moved(second, of_second))]
    assert [e.probability for e in merged(parts).entities] == [0.2]  # 60 characters, not 58


def test_doubts_in_an_overlap_are_counted_once() -> None:
    # 40 independent entities, each right with 0.95: so is the whole text with 0.95 ** 40
    entities = [Entity(at, at + 4, "A", 0.95) for at in range(10, 2000, 50)]
    parts = []
    for window in windows(0, 2000):
        seen = pieces_in(window, entities)
        parts.append((window, Decoded(seen.entities, math.prod(0.95 for _ in seen.entities))))
    expected = 0.95 ** len(entities)
    product = math.prod(decoded.confidence for _, decoded in parts)
    assert merged(parts).confidence == pytest.approx(expected, rel=0.1)
    assert product < 0.7 * expected


def test_nothing_is_as_probable_as_in_all_that_the_windows_own() -> None:
    assert merged([]).nothing == 1
    length = 2000  # each character without an entity with 0.999
    parts = [(w, Decoded([], 0.5, 0.999 ** (w.end - w.start))) for w in windows(0, length)]
    assert merged(parts).nothing == pytest.approx(0.999**length)
    assert merged([(w, Decoded([], 0.5, 0.0)) for w, _ in parts]).nothing == pytest.approx(0)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1))
def test_confidence_is_a_probability_and_no_more_than_any_entitys(
    probabilities: list[float], whole: float
) -> None:
    entities = [Entity(n * 40, n * 40 + 9, "A", p) for n, p in enumerate(probabilities)]
    parts = [
        (window, Decoded(pieces_in(window, entities).entities, whole))
        for window in windows(0, 40 * len(probabilities))
    ]
    found = merged(parts)
    assert 0 <= found.confidence <= 1
    if len(parts) > 1:
        assert all(found.confidence <= (entity.probability or 0) for entity in found.entities)
