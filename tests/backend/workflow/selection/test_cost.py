"""The cost model: what it learns, what it does not believe, and what it falls back to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.workflow.selection.cost import DEFAULTS, CostModel, Effort, expected_edits, fit

TRUE = CostModel(document=6, character=0.12, entity=1.5, edit=8)
PACES = {1: 0.6, 2: 1.0, 3: 1.6}


def efforts(count: int, *, interrupted: float = 0.0, noise: float = 0.3) -> list[Effort]:
    """What three people of different pace needed; some left the task open over lunch."""
    random = np.random.default_rng(3)
    made = []
    for number in range(count):
        length = int(random.integers(10, 300))
        entities = int(random.poisson(length / 30))
        edits = int(random.binomial(entities, 0.3))
        annotator = 1 + number % 3
        seconds = float(TRUE.seconds(length, entities, edits)) * PACES[annotator]
        seconds *= float(np.exp(random.normal(0, noise)))
        if random.random() < interrupted:
            seconds *= 25
        made.append(Effort(annotator, length, entities, edits, seconds))
    return made


def test_the_numbers_are_found_again_though_people_take_breaks() -> None:
    model = fit(efforts(1500, interrupted=0.08))
    for length, entities, edits in ((20, 0, 0), (200, 6, 0), (200, 6, 6), (50, 3, 1)):
        for annotator, pace in PACES.items():
            true = float(TRUE.seconds(length, entities, edits)) * pace
            found = float(model.seconds(length, entities, edits, annotator))
            assert found == pytest.approx(true, rel=0.15)
    assert model.spread == pytest.approx(0.2, abs=0.06)
    assert model.documents > 1400


def test_with_nothing_to_learn_from_the_defaults_are_the_model() -> None:
    assert fit([]) is DEFAULTS
    assert fit([Effort(1, 50, 2, 1, 86400.0), Effort(1, 50, 2, 1, 0.01)]) is DEFAULTS


def test_a_few_documents_move_the_defaults_and_do_not_throw_them_away() -> None:
    model = fit(efforts(6))
    length, entities, edits = 100, 4, 1
    found = float(model.seconds(length, entities, edits))
    true = float(TRUE.seconds(length, entities, edits))
    assert float(DEFAULTS.seconds(length, entities, edits)) < found < 1.6 * true


def test_who_was_never_seen_is_of_middling_pace() -> None:
    model = fit(efforts(300))
    assert model.seconds(50, 2, 1, annotator=9) == model.seconds(50, 2, 1)
    assert model.paces[1] < model.paces[2] < model.paces[3]


@given(
    st.lists(
        st.builds(
            Effort,
            st.integers(1, 4),
            st.integers(0, 5000),
            st.integers(0, 100),
            st.integers(0, 100),
            st.floats(0, 1e6),
        ),
        max_size=12,
    )
)
def test_whatever_was_counted_more_work_never_takes_less_time(seen: list[Effort]) -> None:
    model = fit(seen)
    for more in ((2, 1, 1), (1, 2, 1), (1, 1, 2)):
        assert 0 < float(model.seconds(1, 1, 1)) <= float(model.seconds(*more))
        assert np.isfinite(model.seconds(*more))


def test_edits_to_be_expected_are_what_is_wrong_and_what_is_missing() -> None:
    assert expected_edits([1.0, 1.0], 2.0) == 0
    assert expected_edits([0.75, 0.5], 1.25) == pytest.approx(0.75)
    assert expected_edits([], 0.5) == 0.5
    assert expected_edits([0.5], 2.0) == pytest.approx(0.5 + 1.5)
