"""Voting: what most members found, without contradictions; members that were tampered with."""

import itertools
import json
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
from ml_backend.tagger.ensemble import Ensemble, vote
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


@given(st.lists(readings(), min_size=1, max_size=5))
def test_the_voted_reading_is_what_most_found_and_never_overlaps(said: list[Decoded]) -> None:
    voted = vote(said)
    every = {entity for reading in said for entity in reading.entities}
    most = [e for e in every if sum(e in reading.entities for reading in said) > len(said) / 2]
    assert voted.entities == sorted(most)
    assert first_overlap(voted.entities) is None
    for entity in voted.entities:
        probabilities = [e.probability for r in said for e in r.entities if e == entity]
        assert entity.probability == pytest.approx(sum(probabilities) / len(said))
    same = [reading.confidence for reading in said if reading.entities == voted.entities]
    assert voted.confidence == pytest.approx(sum(same) / len(said))
    assert voted.nothing == pytest.approx(sum(reading.nothing for reading in said) / len(said))


@given(readings())
def test_one_member_is_itself_and_so_are_equal_ones(reading: Decoded) -> None:
    for voted in (vote([reading]), vote([reading] * 3)):
        assert voted.entities == reading.entities
        assert [e.probability for e in voted.entities] == pytest.approx(
            [e.probability for e in reading.entities]
        )
        assert voted.confidence == pytest.approx(reading.confidence)


def member(*labels: str, say: Decoded | None = None) -> SimpleNamespace:
    reading = say or Decoded([], 0.9)
    return SimpleNamespace(labels=LabelSet(labels), predict=lambda texts: [reading] * len(texts))


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
