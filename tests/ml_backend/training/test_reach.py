"""The ceiling that labels, unit and head set, on an encoder whose positions are words."""

import re
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.tagger.windows import WINDOW
from ml_backend.training.reach import Barrier, reach

AB = LabelSet(("A", "B"))


@dataclass
class FakeModel:
    """What `reach` asks of a model: its labels, its head's options, and its positions."""

    words: bool = False
    max_width: int | None = None
    nested: bool = False
    labels: LabelSet = AB

    @property
    def encoder(self) -> "FakeModel":
        return self

    def reader(self) -> "FakeModel":
        return self

    def to_dict(self):
        spans = {"max_width": self.max_width, "nested": self.nested}
        return {"head": {"name": "any", **(spans if self.max_width else {})}}

    def read(self, texts):
        words = [[match.span() for match in re.finditer(r"\S+", text)] for text in texts]
        return SimpleNamespace(places=words if self.words else None)


def gold(text: str, *entities: tuple[int, int, str]) -> list[GoldDocument]:
    return [GoldDocument("d", "d", text, [Entity(*entity) for entity in entities])]


def unreachable(model: FakeModel, documents: list[GoldDocument]) -> dict[str, int]:
    return dict(reach(model, documents).unreachable)


def test_every_range_of_characters_can_be_found() -> None:
    found = reach(FakeModel(), gold("롯데는 부산에", (0, 2, "A"), (4, 6, "B")))
    assert (found.entities, found.share, found.unreachable) == (2, 1.0, {})


def test_words_cannot_end_before_their_particle() -> None:
    documents = gold("롯데는 부산에 있는 팀", (0, 2, "A"), (4, 7, "B"), (8, 12, "A"))
    found = reach(FakeModel(words=True), documents)
    assert found.unreachable == {Barrier.UNIT: 1}
    assert found.share == pytest.approx(2 / 3)
    assert found.to_dict()["unreachable"] == {"unit": 1}


def test_width_is_counted_in_positions() -> None:
    documents = gold("aa bb cc dd", (0, 5, "A"), (6, 8, "A"))
    assert unreachable(FakeModel(max_width=4), documents) == {"width": 1}
    assert unreachable(FakeModel(words=True, max_width=2), documents) == {}
    assert unreachable(FakeModel(words=True, max_width=1), documents) == {"width": 1}


def test_overlaps_need_a_head_for_nested_entities() -> None:
    documents = gold("abcdef", (0, 4, "A"), (1, 3, "B"), (3, 6, "A"), (0, 4, "B"))
    assert unreachable(FakeModel(), documents) == {"overlap": 3}
    # also then: no crossing, and no two of one span
    assert unreachable(FakeModel(max_width=9, nested=True), documents) == {"overlap": 2}


def test_an_unknown_label_is_a_barrier_and_a_windows_edge_is_none() -> None:
    text = "x" * 3 * WINDOW
    documents = gold(text, (0, 2, "C"), (5, 5 + WINDOW, "A"), (2 * WINDOW, 2 * WINDOW + 9, "B"))
    assert unreachable(FakeModel(), documents) == {"label": 1}


def test_no_gold_is_no_loss() -> None:
    assert reach(FakeModel(), gold("abc")).share == 1.0
