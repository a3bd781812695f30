"""Voting: the likeliest reading of all members; members that were tampered with."""

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_backend.contract.entity import Entity, first_overlap
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger import ensemble
from ml_backend.tagger.calibration import Calibration
from ml_backend.tagger.checkpoint import CheckpointError
from ml_backend.tagger.curves import Temperature
from ml_backend.tagger.ensemble import LEAST, Ensemble, vote
from ml_backend.tagger.heads.head import Decoded


@st.composite
def readings(draw: st.DrawFn) -> Decoded:
    """Entities that lie apart, as a member gives them."""
    cuts = sorted(draw(st.sets(st.integers(0, 5), max_size=6)))
    spans = [
        Entity(start, end, draw(st.sampled_from("AB")), draw(st.floats(0.1, 1)))
        for start, end in itertools.pairwise(cuts)
        if draw(st.booleans())
    ]
    return Decoded(spans, draw(st.floats(0, 1)), draw(st.floats(0, 1)))


def own(said: Sequence[Decoded]) -> list[dict[tuple[int, int, str], float]]:
    return [{e.key: e.probability or 0.0 for e in reading.entities} for reading in said]


@given(st.lists(readings(), min_size=1, max_size=5))
def test_the_voted_reading_is_the_heaviest_that_can_be_true(said: list[Decoded]) -> None:
    voted = vote(said, own(said))
    keys = {key for member in own(said) for key in member}
    means = {key: sum(member.get(key, 0.0) for member in own(said)) / len(said) for key in keys}
    assert first_overlap(voted.entities) is None
    for entity in voted.entities:
        assert entity.probability == pytest.approx(means[entity.key])
        assert means[entity.key] > LEAST
    worth = [Entity(*key) for key in keys if means[key] > LEAST]
    heaviest = max(
        sum(means[e.key] - LEAST for e in chosen)
        for size in range(len(worth) + 1)
        for chosen in itertools.combinations(worth, size)
        if first_overlap(sorted(chosen)) is None
    )
    assert sum(means[e.key] - LEAST for e in voted.entities) == pytest.approx(heaviest)
    same = [reading.confidence for reading in said if reading.entities == voted.entities]
    assert voted.confidence == pytest.approx(sum(same) / len(said))
    assert voted.nothing == pytest.approx(sum(reading.nothing for reading in said) / len(said))


@given(st.lists(readings(), min_size=1, max_size=5))
def test_what_more_than_half_are_sure_of_is_told(said: list[Decoded]) -> None:
    sure = [
        replace(one, entities=[replace(e, probability=1.0) for e in one.entities]) for one in said
    ]
    told = {entity.key for entity in vote(sure, own(sure)).entities}
    count = Counter(entity.key for reading in said for entity in reading.entities)
    assert {key for key, votes in count.items() if 2 * votes > len(said)} <= told


@given(readings())
def test_equal_members_are_as_one_without_what_is_improbable(reading: Decoded) -> None:
    likely = [e for e in reading.entities if (e.probability or 0) > LEAST + 1e-9]
    for said in ([reading], [reading] * 3):
        voted = vote(said, own(said))
        assert set(likely) <= set(voted.entities) <= set(reading.entities)
        if voted.entities == reading.entities:
            assert voted.confidence == pytest.approx(reading.confidence)


def test_one_member_may_be_right_where_two_doubt() -> None:
    here, there = Entity(0, 2, "A", 0.9), Entity(0, 1, "B", 0.4)
    said = [Decoded([here], 0.9), Decoded([there], 0.4), Decoded([], 0.5)]
    of_all = [{here.key: 0.9}, {there.key: 0.4, here.key: 0.3}, {here.key: 0.2, there.key: 0.1}]
    (told,) = vote(said, of_all).entities
    assert (told.key, told.probability) == (here.key, pytest.approx(1.4 / 3))


def test_of_nested_members_a_range_has_one_label() -> None:
    outer, inner, rival = Entity(0, 4, "A", 0.8), Entity(1, 2, "B", 0.45), Entity(1, 2, "C", 0.4)
    said = [Decoded([outer, inner], 0.5), Decoded([outer, rival], 0.5)]
    chances = {one.key: one.probability or 0.0 for one in (outer, inner, rival)}
    assert vote(said, [chances, chances], nested=True).entities == [outer, inner]


def member(*labels: str, say: Decoded | None = None) -> SimpleNamespace:
    reading = say or Decoded([], 0.9)
    return SimpleNamespace(
        labels=LabelSet(labels), nested=False, predict=lambda texts: [reading] * len(texts)
    )


def test_what_was_voted_is_calibrated_and_an_empty_text_is_certain() -> None:
    say = Decoded([Entity(0, 1, "A", 0.9)], 0.9)
    halved = Temperature(2.0, 0.0)
    voted = Ensemble([member("A", say=say)] * 3, Calibration(halved, halved)).predict(["x", ""])
    assert [e.probability for e in voted[0].entities] == pytest.approx([0.75])
    assert [reading.confidence for reading in voted] == pytest.approx([0.75, 1.0])


@pytest.mark.parametrize("members", [[], [member("A"), member("B")]])
def test_members_share_their_labels(members: list[SimpleNamespace]) -> None:
    with pytest.raises(ValueError, match="all of the same labels"):
        Ensemble(members)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eleven members, whose configurations are all that matters here."""
    for number in range(11):
        path = tmp_path / "members" / str(number)
        path.mkdir(parents=True)
        (path / "config.json").write_text(json.dumps({"format": "any", "number": number}))
    ensemble.save(tmp_path, training={"seed": 1}, calibration=Calibration())
    return tmp_path


def test_members_come_back_in_order_of_their_numbers(folder: Path) -> None:
    assert ensemble.is_ensemble(folder)
    assert not ensemble.is_ensemble(folder / "members" / "0")
    assert [path.name for path in ensemble.member_folders(folder)] == [str(n) for n in range(11)]


def test_a_member_that_was_changed_or_is_gone_is_refused(folder: Path) -> None:
    (folder / "members" / "3" / "config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"member 3 is not what config\.json says"):
        ensemble.member_folders(folder)
    (folder / "members" / "2" / "config.json").unlink()
    with pytest.raises(CheckpointError, match="member 2 is not"):
        Ensemble.load(folder)
