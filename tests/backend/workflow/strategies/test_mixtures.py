"""Mixtures: weights, ranks, picking among the best, and what cannot be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import InvalidInputError
from backend.workflow.strategies.mixtures import choose, read_mixture, written_mixture
from backend.workflow.strategies.registry import STRATEGIES
from tests.backend.workflow.strategies.made import made

FEATURES = made(120)
weights = st.sampled_from([0.5, 1.0, 2.0, 7.25])
mixtures = st.dictionaries(st.sampled_from(list(STRATEGIES)), weights, min_size=1)


@given(mixtures, st.integers(0, 130))
def test_any_mixture_gives_so_many_different_documents(mixture: dict[str, float], k: int) -> None:
    chosen = choose(mixture, FEATURES, k)
    assert len(set(chosen.tolist())) == len(chosen) == min(k, 120)
    assert choose(mixture, FEATURES, k).tolist() == chosen.tolist()


@given(mixtures)
def test_what_is_written_is_read_again(mixture: dict[str, float]) -> None:
    assert read_mixture(written_mixture(mixture)) == mixture


@given(st.integers(1, 120))
def test_the_best_are_those_of_a_full_sort(k: int) -> None:
    margins = FEATURES.margin
    assert choose({"margin": 1}, FEATURES, k).tolist() == np.argsort(margins)[:k].tolist()


def test_ranks_are_mixed_by_their_weights() -> None:
    order = choose({"margin": 3, "cost": 1}, FEATURES, 120)
    place_of = {
        key: np.argsort(np.argsort(-values))
        for key, values in (("margin", -FEATURES.margin), ("cost", -FEATURES.seconds))
    }
    mean = (3 * place_of["margin"] + place_of["cost"]) / 4
    assert (np.diff(mean[order]) >= 0).all()
    heavy = choose({"margin": 1e6, "cost": 1}, FEATURES, 120)
    assert heavy.tolist() == np.argsort(FEATURES.margin).tolist()


def test_who_picks_does_so_among_the_best_by_the_others() -> None:
    best = set(np.argsort(FEATURES.margin)[:35].tolist())  # 10 (120 / 10) ^ 1/2
    picked = choose({"margin": 1, "k_means": 1}, FEATURES, 10).tolist()
    assert set(picked) <= best
    assert picked != np.argsort(FEATURES.margin)[:10].tolist()


def test_who_picks_takes_turns_by_weight() -> None:
    both = choose({"k_means": 2, "k_center": 1}, FEATURES, 30).tolist()
    first = set(choose({"k_means": 1}, FEATURES, 20).tolist())
    assert len(first & set(both)) >= 20
    assert len(set(both[:6]) & first) >= 4


def test_numbers_that_were_not_made_come_last() -> None:
    features = made(20)
    features.disagreement[:15] = np.nan
    assert set(choose({"disagreement": 1}, features, 5).tolist()) == set(range(15, 20))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "there is no strategy ''"),
        ("luck", "there is no strategy 'luck'; there are: mnlp"),
        ("mnlp:0", "the weight of mnlp must be above 0"),
        ("mnlp:nan", "the weight of mnlp must be above 0"),
        ("mnlp:inf", "the weight of mnlp must be above 0"),
        ("mnlp:much", "write strategies with their weights as in mnlp:2"),
        ("mnlp+mnlp", "mnlp stands twice"),
    ],
)
def test_a_mixture_that_cannot_be_is_refused(written: str, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        read_mixture(written)
    with pytest.raises(InvalidInputError, match="one strategy at least"):
        choose({}, FEATURES, 1)
