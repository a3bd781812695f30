"""Scores for selection: with every prediction, of any text, by one network or several."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sample.generate import generate
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.model_store import ModelStore
from ml_backend.tagger import checkpoint
from ml_backend.tagger.curves import UNCHANGED, Temperature
from ml_backend.tagger.ensemble import Ensemble
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.scores import Examined, TextScores, text_scores, vote_entropy
from ml_backend.tagger.sketch import SIZE

AB = LabelSet(("A", "B"))


@pytest.fixture(scope="module")
def tagger(tiny_model_store: ModelStore) -> Tagger:
    return Tagger.load(tiny_model_store.version_folder("tiny", "v1"))


def texts() -> list[str]:
    found = [document.text for document in generate(40, seed=9)]
    return ["", *found, " ", " ".join(found), "e\u0301" * 5]


def scores_of(tagger: Tagger | Ensemble, some: list[str], passes: int = 0) -> list[TextScores]:
    return [scores for _, scores in tagger.score(some, dropout_passes=passes)]


def test_scores_come_with_the_very_predictions(tagger: Tagger) -> None:
    some = texts()
    for (prediction, scores), plain in zip(tagger.score(some), tagger.predict(some), strict=True):
        assert prediction.entities == plain.entities
        assert prediction.confidence == pytest.approx(plain.confidence, abs=1e-6)
        assert prediction.nothing == pytest.approx(plain.nothing, abs=1e-6)
        assert len(scores.runners_up) == len(prediction.entities)
        for entity, runner_up in zip(prediction.entities, scores.runners_up, strict=True):
            assert runner_up is None or runner_up.label != entity.label
    assert tagger.score([]) == []


def test_scores_keep_their_bounds(tagger: Tagger) -> None:
    most = math.log(1 + 4 * len(tagger.labels))  # the entropy of as many tags, all alike
    for text, scores in zip(texts(), scores_of(tagger, texts(), passes=3), strict=True):
        assert scores.characters == len(text)
        assert scores.log_probability <= 1e-9
        assert 0 <= scores.margin <= math.exp(scores.log_probability) + 1e-9
        assert 0 <= scores.mean_entropy <= scores.max_entropy + 1e-6 <= most + 1e-6
        assert scores.disagreement is not None
        assert 0 <= scores.disagreement <= 1
        assert 0 <= sum(scores.expected.values()) <= len(text)
        assert scores.vector.shape == (48,)
        assert scores.gradient.shape == (SIZE,)
        assert np.isfinite(scores.vector).all()
        assert np.isfinite(scores.gradient).all()


def test_an_empty_text_is_certain(tagger: Tagger) -> None:
    (scores,) = scores_of(tagger, [""])
    assert scores.to_dict() == {
        "log_probability": 0.0,
        "characters": 0,
        "margin": 1.0,
        "mean_entropy": 0.0,
        "max_entropy": 0.0,
        "disagreement": None,
        "expected": {},
    }
    assert not scores.vector.any()


def test_neighbours_in_a_batch_change_nothing(tagger: Tagger) -> None:
    some = texts()
    for together, text in zip(scores_of(tagger, some, passes=2), some, strict=True):
        (alone,) = scores_of(tagger, [text], passes=2)
        assert alone.log_probability == pytest.approx(together.log_probability, abs=1e-3)
        assert alone.mean_entropy == pytest.approx(together.mean_entropy, abs=1e-4)
        assert alone.disagreement == pytest.approx(together.disagreement, abs=1e-6)
        assert np.allclose(alone.vector, together.vector, atol=1e-4)
        assert np.allclose(alone.gradient, together.gradient, atol=1e-3)


def test_a_long_text_scores_as_its_parts_do(tagger: Tagger) -> None:
    """Where windows are joined the context differs, hence roughly."""
    part = " ".join(document.text for document in generate(6, seed=4)) + " "
    (one,) = scores_of(tagger, [part])
    (many,) = scores_of(tagger, [part * 12])
    assert many.characters == 12 * len(part)
    assert many.log_probability == pytest.approx(12 * one.log_probability, rel=0.25)
    assert many.mean_entropy == pytest.approx(one.mean_entropy, rel=0.2)
    assert sum(many.expected.values()) == pytest.approx(12 * sum(one.expected.values()), rel=0.1)
    assert np.allclose(many.vector, one.vector, atol=0.1)
    assert many.margin <= math.exp(many.log_probability)


def test_members_are_a_committee(tiny_model_store: ModelStore) -> None:
    """Members that are one and the same agree, and give the numbers of the one."""
    tagger = Tagger(checkpoint.load(tiny_model_store.version_folder("tiny", "v1")))
    some = texts()[:10]
    two = Ensemble([tagger, tagger])
    for mine, one in zip(scores_of(two, some), scores_of(tagger, some), strict=True):
        assert mine.disagreement == 0.0
        assert mine.log_probability == pytest.approx(one.log_probability)
        assert mine.expected == pytest.approx(one.expected, abs=1e-3)
        assert np.allclose(mine.vector, np.tile(one.vector, 2))
        assert mine.gradient.shape == one.gradient.shape
    plain = two.predict(some)
    assert [prediction for prediction, _ in two.score(some)] == plain


def member(label: str, chances: dict[str, float], log_probability: float = -1.0) -> Examined:
    """One that found the span 0-2."""
    reading = Decoded([Entity(0, 2, label, chances[label])], 0.5)
    zeros = np.zeros(2, np.float32)
    found = {(0, 2): chances}
    return Examined(reading, found, log_probability, 0.1, 4, 0.2, 0.3, zeros, zeros, zeros, [])


def test_a_runner_up_is_the_mean_over_the_members_and_calibrated() -> None:
    members = [member("A", {"A": 0.7, "B": 0.2}), member("B", {"A": 0.3, "B": 0.6}, -3.0)]
    told = [Entity(0, 2, "A", 0.5), Entity(3, 4, "A", 0.5)]
    scores = text_scores(members, told, AB, UNCHANGED)
    runner_up, none = scores.runners_up
    assert none is None  # nobody found anything there
    assert runner_up is not None
    assert (runner_up.label, runner_up.probability) == ("B", pytest.approx(0.4))
    assert scores.log_probability == pytest.approx(-2.0)
    assert scores.disagreement == pytest.approx(1.0)
    flat = text_scores(members, told, AB, Temperature(4.0, 0.0)).runners_up[0]
    assert flat is not None
    assert 0.4 < flat.probability < 0.5


keys = st.tuples(st.integers(0, 3), st.integers(4, 6), st.sampled_from("AB"))
votes = st.lists(st.frozensets(keys, max_size=4), min_size=1, max_size=6)


@given(votes)
def test_vote_entropy_is_a_share_and_nothing_where_all_agree(said: list[frozenset]) -> None:
    found = vote_entropy(said)
    assert 0 <= found <= 1
    assert (found == 0) == (len(set(said)) == 1)
    assert vote_entropy(said * 2) == pytest.approx(found)
    assert vote_entropy([said[0]] * 3) == 0


def test_half_the_votes_are_the_most_entropy() -> None:
    one = frozenset({(0, 1, "A")})
    assert vote_entropy([one, frozenset()]) == 1.0
    assert vote_entropy([one, one, one, frozenset()]) == pytest.approx(0.8112781)
