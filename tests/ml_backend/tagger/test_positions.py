"""Gold in positions and back: what positions cannot have is unknown, never O."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity
from ml_backend.tagger.positions import Target, to_characters, to_positions, unreachable

# 안정환을 만났다 as `안정` `##환을` `만났다`
PLACES = [(0, 2), (2, 4), (5, 8)]


def test_characters_are_positions_where_there_are_no_places() -> None:
    target = Target([Entity(0, 3, "PER")], frozenset({"ORG"}), [(4, 5)])
    assert to_positions(target, None) is target
    assert to_characters(target.entities, None) == target.entities
    assert unreachable(target.entities, None) == []


def test_a_name_that_ends_inside_a_piece_leaves_its_pieces_unknown() -> None:
    gold = [Entity(0, 3, "PER"), Entity(5, 8, "ACT")]
    assert to_positions(Target(gold), PLACES) == Target([Entity(2, 3, "ACT")], unknown=[(0, 2)])
    assert unreachable(gold, PLACES) == gold[:1]


def test_what_no_piece_touches_says_nothing() -> None:
    gold = [Entity(4, 5, "GAP")]
    assert to_positions(Target(gold), PLACES) == Target([], unknown=[])
    assert unreachable(gold, PLACES) == gold


def test_missing_labels_and_unknown_ranges_are_kept() -> None:
    target = Target([], frozenset({"ORG"}), [(3, 6), (4, 5)])
    assert to_positions(target, PLACES) == Target([], frozenset({"ORG"}), [(1, 3)])


def test_probabilities_come_along() -> None:
    (entity,) = to_characters([Entity(0, 2, "PER", 0.75)], PLACES)
    assert (entity.key, entity.probability) == ((0, 4, "PER"), 0.75)


@st.composite
def gold_and_places(draw: st.DrawFn) -> tuple[list[Entity], list[tuple[int, int]], int]:
    """Positions with gaps between some, and entities anywhere, nested ones too."""
    places, at = [], 0
    for gap, width in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=8)
    ):
        places.append((at + gap, at + gap + width))
        at += gap + width
    length = at + draw(st.integers(0, 2))
    ranges = draw(st.lists(st.tuples(st.integers(0, length - 1), st.integers(1, 9)), max_size=6))
    entities = {Entity(s, min(length, s + w), "AB"[w % 2]) for s, w in ranges}
    return sorted(entities), places, length


@settings(deadline=None)
@given(gold_and_places())
def test_each_entity_is_had_exactly_or_all_that_it_touches_is_unknown(
    case: tuple[list[Entity], list[tuple[int, int]], int],
) -> None:
    entities, places, _ = case
    target = to_positions(Target(entities), places)
    back = to_characters(target.entities, places)
    lost = unreachable(entities, places)
    assert sorted(back + lost) == entities
    for entity in lost:
        touched = {
            number for number, (start, end) in enumerate(places)
            if start < entity.end and entity.start < end
        }  # fmt: skip
        unknown = [set(range(*one)) for one in target.unknown]
        assert not touched or any(touched == one for one in unknown)
