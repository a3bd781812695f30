"""The untrained network is what the options and the gold at hand ask for."""

from typing import Any

import pytest

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.model import HEADS
from ml_backend.training.config import TrainingConfig
from ml_backend.training.dataset import Example, TrainingData
from ml_backend.training.network import new_model

DATA = TrainingData(
    LabelSet(("PER", "LOC")),
    [
        Example("안정환은 서울에서 태어났다", [Entity(0, 3, "PER"), Entity(5, 7, "LOC")]),
        Example("안정환과 홍길동", [Entity(0, 3, "PER"), Entity(5, 8, "PER")]),
    ],
    [],
    2,
)


def head_record(**options: Any) -> dict[str, Any]:
    model = new_model(DATA, TrainingConfig.from_dict({"head_hidden": 8, **options}))
    record: dict[str, Any] = model.to_dict()["head"]
    return record


@pytest.mark.parametrize("name", sorted(HEADS))
def test_every_head_is_made_by_its_name(name: str) -> None:
    assert head_record(head=name)["name"] == name


@pytest.mark.parametrize("name", ["span", "biaffine"])
def test_span_heads_are_as_wide_as_the_longest_entity_unless_told(name: str) -> None:
    assert head_record(head=name)["max_width"] == 3
    assert head_record(head=name, max_width=7)["max_width"] == 7


def test_the_options_of_a_span_head_reach_it() -> None:
    options = {"nested": True, "negative_sampling": 0.5, "loss": "focal", "focal_gamma": 1.5}
    record = head_record(head="biaffine", positions="rotary", head_dropout=0.1, **options)
    assert (record["positions"], record["nested"], record["dropout"]) == ("rotary", True, 0.1)
    assert record["hidden"] == 8
    assert record["loss"] == {
        "name": "focal",
        "focal_gamma": 1.5,
        "label_smoothing": 0.0,
        "negative_sampling": 0.5,
        "label_weights": None,
    }


@pytest.mark.parametrize("name", ["softmax", "span"])
def test_balanced_weights_favour_the_rarer_label(name: str) -> None:
    person, place = head_record(head=name, class_weights="balanced")["loss"]["label_weights"]
    assert place / person == pytest.approx(3**0.5)
