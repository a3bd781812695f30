from pathlib import Path

import pytest

from ml_backend.contract.training_config import TrainingConfig, TrainingConfigError


def test_options_are_read_by_name_and_whole_numbers_serve_as_fractions() -> None:
    config = TrainingConfig.from_dict({"epochs": 3, "dropout": 0, "scheme": "BIO"})
    assert (config.epochs, config.dropout, config.scheme) == (3, 0.0, "BIO")
    assert TrainingConfig.from_dict(config.to_dict()) == config
    assert TrainingConfig.from_dict({}) == TrainingConfig()


def test_an_unknown_option_is_refused_with_the_known_ones() -> None:
    with pytest.raises(TrainingConfigError) as caught:
        TrainingConfig.from_dict({"epoch": 3})
    assert "no training option epoch" in str(caught.value)
    assert all(name in str(caught.value) for name in TrainingConfig.model_fields)


@pytest.mark.parametrize(
    "record",
    [
        {"epochs": "3"},
        {"epochs": 2.5},
        {"epochs": True},
        {"epochs": 0},
        {"hidden": -1},
        {"dropout": 1.0},
        {"ema": 1},
        {"learning_rate": float("nan")},
        {"learning_rate": 0.0},
        {"scheme": "IOB"},
        {"scheme": 2},
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(record: dict[str, object]) -> None:
    (name,) = record
    with pytest.raises(TrainingConfigError, match=name):
        TrainingConfig.from_dict(record)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"head": "crf", "loss": "focal"}, "the head crf has one loss"),
        ({"head": "bilstm-crf", "label_smoothing": 0.1}, "do not apply to bilstm-crf"),
        ({"head": "softmax", "nested": True}, "options of span heads"),
        ({"head": "span", "loss": "dice", "label_smoothing": 0.1}, "nothing to the dice loss"),
        ({"head": "biaffine", "positions": "rotary", "head_hidden": 7}, "an even head_hidden"),
        ({"unit": "token"}, "the built-in encoder reads characters"),
        ({"folds": 1}, "folds must be"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    record: dict[str, object], reason: str
) -> None:
    with pytest.raises(TrainingConfigError, match=reason):
        TrainingConfig.from_dict(record)


def test_a_number_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("learning_rate: 1e-3\nema: 9.9E-1\nweight_decay: .5e-2\nclip: 1e1\n", "utf-8")
    config = TrainingConfig.from_yaml(path)
    assert (config.learning_rate, config.ema) == (0.001, 0.99)
    assert (config.weight_decay, config.clip) == (0.005, 10.0)


def test_an_option_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("epochs: 3\nhead: span\nepochs: 4\n", "utf-8")
    with pytest.raises(TrainingConfigError, match="epochs is there twice"):
        TrainingConfig.from_yaml(path)


def test_any_name_can_be_asked_for_in_place_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("epochs: 3\n", "utf-8")
    for name in ("path", "cls"):
        with pytest.raises(TrainingConfigError, match=f"no training option {name}"):
            TrainingConfig.from_yaml(path, **{name: 1})


def test_a_file_holds_options_and_its_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("head: span\nepochs: 3\n", "utf-8")
    config = TrainingConfig.from_yaml(path, epochs=4)
    assert (config.head, config.epochs) == ("span", 4)
    for content in ("- 1", "epochs: [", "7: 3", "epoch: 3", "? [a]\n: 1"):
        path.write_text(content, "utf-8")
        with pytest.raises(TrainingConfigError):
            TrainingConfig.from_yaml(path)
    assert TrainingConfig.from_yaml(Path("/dev/null")) == TrainingConfig()
