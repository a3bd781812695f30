"""What each strategy prefers, told by candidates for which there can be no doubt."""

from dataclasses import replace

import numpy as np
import pytest

from backend.workflow.strategies import (
    badge,
    balance,
    density,
    k_center,
    k_means,
    mnlp,
    total_entropy,
)
from backend.workflow.strategies.features import Features, make_features
from backend.workflow.strategies.geometry import DIMENSIONS, FEW_DIMENSIONS, MANY, narrow
from backend.workflow.strategies.mixtures import choose
from backend.workflow.strategies.registry import STRATEGIES, needs
from backend.workflow.strategies.strategy import Strategy
from tests.backend.workflow.strategies.made import made


@pytest.mark.parametrize("key", STRATEGIES)
def test_each_chooses_each_document_once_and_always_the_same(key: str) -> None:
    features = made(60)
    chosen = choose({key: 1}, features, 60)
    assert sorted(chosen.tolist()) == list(range(60))
    assert choose({key: 1}, features, 60).tolist() == chosen.tolist()
    first = choose({key: 1}, features, 7).tolist()
    assert len(set(first)) == 7
    assert first == chosen[:7].tolist()


@pytest.mark.parametrize("key", STRATEGIES)
def test_one_candidate_and_equal_ones_are_no_trouble(key: str) -> None:
    one = made(1)
    assert choose({key: 1}, one, 5).tolist() == [0]
    alike = replace(made(40), **{"ids": np.arange(40)}).only(np.zeros(40, dtype=np.int64))
    alike = replace(alike, ids=np.arange(40))
    assert sorted(choose({key: 1}, alike, 40).tolist()) == list(range(40))


def test_mnlp_is_of_characters_and_not_of_length() -> None:
    long_and_sure = {"log_probability": -2.0, "characters": 100}
    short_and_unsure = {"log_probability": -1.0, "characters": 10}
    features = make_features([1, 2], [100, 10], [long_and_sure, short_and_unsure], [])
    assert mnlp.score(features).tolist() == pytest.approx([0.02, 0.1])


def test_total_entropy_is_of_the_whole_document() -> None:
    long_and_clear = {"mean_entropy": 0.25, "characters": 100}
    short_and_unclear = {"mean_entropy": 0.5, "characters": 10}
    features = make_features([1, 2], [100, 10], [long_and_clear, short_and_unclear], [])
    assert total_entropy.score(features).tolist() == [25.0, 5.0]


@pytest.mark.parametrize(
    ("key", "name", "sign"),
    [
        ("margin", "margin", -1),
        ("mean_entropy", "mean_entropy", 1),
        ("max_entropy", "max_entropy", 1),
        ("disagreement", "disagreement", 1),
        ("cost", "seconds", -1),
    ],
)
def test_scores_are_ranked_by_what_they_are_named_for(key: str, name: str, sign: int) -> None:
    features = made(50)
    values = getattr(features, name)[choose({key: 1}, features, 50)] * sign
    assert (np.diff(values) <= 0).all()


def test_random_depends_on_the_document_and_the_seed_alone() -> None:
    features = made(1000)
    chances = features.chances()
    assert chances[::7].tolist() == features.only(np.arange(0, 1000, 7)).chances().tolist()
    assert abs(chances.mean() - 0.5) < 0.05
    assert len(set(chances.tolist())) == 1000
    assert choose({"random": 1}, features, 10).tolist() != (
        choose({"random": 1}, replace(features, seed=1), 10).tolist()
    )


@pytest.mark.parametrize("strategy", [k_means, k_center])
def test_diversity_sees_every_cluster_before_any_twice(strategy: Strategy) -> None:
    picked = strategy.pick(made(200), 4)
    assert sorted(int(row) % 4 for row in picked) == [0, 1, 2, 3]


@pytest.mark.parametrize("strategy", [k_means, k_center])
def test_diversity_goes_first_where_people_have_not_been(strategy: Strategy) -> None:
    known = 10 * np.eye(4, 8)[[0, 1, 2]]
    assert int(strategy.pick(made(200, known=known), 1)[0]) % 4 == 3


def test_k_center_is_the_greedy_of_the_definition() -> None:
    features = made(30, known=np.zeros((1, 8)))
    vectors = np.asarray(features.vectors)
    there = [np.zeros(8)]
    wanted = []
    for _ in range(10):
        nearest = [min(np.square(one - other).sum() for other in there) for one in vectors]
        wanted.append(int(np.argmax(nearest)))
        there.append(vectors[wanted[-1]])
    assert k_center.pick(features, 10).tolist() == wanted


def test_the_chance_of_k_means_grows_with_the_squared_distance() -> None:
    vectors = np.array([[1.0], [2.0]] * 1)
    features = made(2, vectors=vectors, known=np.zeros((1, 1)))
    firsts = [int(k_means.pick(replace(features, seed=seed), 1)[0]) for seed in range(2000)]
    assert np.mean(firsts) == pytest.approx(0.8, abs=0.03)  # 4 of 4 + 1


def test_badge_draws_long_gradients_and_not_twice_the_same_direction() -> None:
    gradients = np.zeros((40, 3))
    gradients[:, 0] = 0.001
    gradients[7], gradients[8], gradients[9] = (9, 0, 0), (9, 0.001, 0), (0, 9, 0)
    picked = badge.pick(made(40, gradients=gradients), 2).tolist()
    assert 9 in picked
    assert {7, 8} & set(picked)


def test_density_is_the_mean_cosine_to_all() -> None:
    features = made(12)
    vectors = np.asarray(features.vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert density.score(features) == pytest.approx((unit @ unit.T).mean(axis=1), abs=1e-5)


def test_balance_counts_what_is_wanted_alone() -> None:
    scores = [{"expected": {"PS": 1.0}}, {"expected": {"LC": 9.0}}, {"expected": {"PS": 5.0}}]
    features = make_features([1, 2, 3], [9] * 3, scores, ["PS", "LC"], wanted={"PS": 3})
    assert balance.score(features).tolist() == [1.0, 0.0, 3.0]
    nothing = replace(features, wanted=np.zeros(2))
    assert balance.score(nothing).tolist() == [0.0] * 3


def test_a_projection_keeps_distances_nearly() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 768)).astype(np.float32)
    narrowed = narrow(vectors, 50)
    assert narrowed.shape == (50, DIMENSIONS)
    assert narrow(vectors, MANY).shape == (50, FEW_DIMENSIONS)
    true = np.linalg.norm(vectors[1:] - vectors[0], axis=1)
    found = np.linalg.norm(narrowed[1:] - narrowed[0], axis=1)
    assert found / true == pytest.approx(np.ones(49), abs=0.3)


def test_what_is_lacking_is_named() -> None:
    with pytest.raises(ValueError, match="k_means needs vectors"):
        choose({"k_means": 1}, made(5, vectors=None), 2)
    with pytest.raises(ValueError, match="margin: 4 rows for 5 candidates"):
        replace(made(5), margin=np.zeros(4))


def test_every_strategy_says_when_to_use_it_in_one_sentence() -> None:
    for key, strategy in STRATEGIES.items():
        assert strategy.key == key
        assert strategy.when.endswith(".")
        assert len(strategy.when) < 150
    assert needs(["random"]) == frozenset()
    assert isinstance(made(3), Features)
