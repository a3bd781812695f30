import pytest

from ml_backend.contract.entity import Entity
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.windows import OVERLAP, WINDOW, merged, windows

LENGTHS = [1, 2, WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - OVERLAP, 10_000, 123_457]


@pytest.mark.parametrize("length", LENGTHS)
def test_each_character_is_owned_once_and_lies_well_inside(length: int) -> None:
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


def test_entities_are_moved_taken_once_and_settled_by_probability() -> None:
    first, second = windows(0, WINDOW + 100)
    border = first.owned_end
    across = Entity(border - 2, border + 4, "A", 0.6)

    def seen(*entities: Entity) -> Decoded:
        moved = [
            Entity(e.start - second.start, e.end - second.start, e.label, e.probability)
            for e in entities
        ]
        return Decoded(moved, 0.5)

    agreed = merged([(first, Decoded([across], 0.5)), (second, seen(across))])
    assert agreed == Decoded([across], 0.25)
    sure, unsure = Entity(border, border + 4, "B", 0.9), Entity(border, border + 4, "B", 0.1)
    assert merged([(first, Decoded([across], 1.0)), (second, seen(sure))]).entities == [sure]
    assert merged([(first, Decoded([across], 1.0)), (second, seen(unsure))]).entities == [across]
