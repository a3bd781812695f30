"""The untrained network is what the options and the gold at hand ask for."""

from pathlib import Path
from typing import Any

import pytest

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.model import HEADS
from ml_backend.training.dataset import Example, TrainingData
from ml_backend.training.network import new_model
from tests.ml_backend.tagger.small_tokenizers import encoder_folder
from tests.ml_backend.training import vector_files

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


def encoder_record(texts: int, **options: Any) -> dict[str, Any]:
    data = TrainingData(DATA.labels, [DATA.train[0]] * texts, [], texts)
    record: dict[str, Any] = new_model(data, TrainingConfig.from_dict(options)).to_dict()["encoder"]
    return record


def test_gold_is_counted_from_a_hundred_texts_on() -> None:
    few, enough = encoder_record(99), encoder_record(100)
    assert few["known_strings"] == 0
    assert few["known_surfaces"] is None
    assert enough["known_strings"] > 0
    assert enough["known_surfaces"] == 2


def test_many_texts_widen_the_network_unless_told() -> None:
    assert encoder_record(4999)["hidden"] == 128
    assert encoder_record(5000)["hidden"] == 256
    assert encoder_record(5000, hidden=64)["hidden"] == 64


def test_a_gazetteer_file_needs_no_gold(tmp_path: Path) -> None:
    path = tmp_path / "cities.tsv"
    path.write_text("부산\t도시\n대전\t도시\n", "utf-8")
    record = encoder_record(1, lexicon=False, gazetteer=str(path))
    assert (record["known_surfaces"], record["gold_labels"], record["listed_labels"]) == (2, 0, 1)


@pytest.mark.parametrize("encoder", ["builtin", "pretrained"])
def test_word_vectors_need_no_gold(encoder: str, tmp_path: Path) -> None:
    path = vector_files.text(tmp_path / "words.vec", {"부산": [1.0, 2.0], "대전": [0.5, -1.0]})
    options: dict[str, Any] = {"vectors": str(path), "words_size": 7, "lexicon": False}
    if encoder == "pretrained":
        options["encoder"] = encoder_folder(tmp_path / "bert", "bert")
    record = encoder_record(1, **options)
    assert (record["known_surfaces"], record["known_words"], record["vector_size"]) == (0, 2, 2)
    assert record["words_size"] == 7
