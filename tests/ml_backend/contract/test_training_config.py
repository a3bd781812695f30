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
        ({"folds": 3, "members": 2}, "members must be 1"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    record: dict[str, object], reason: str
) -> None:
    with pytest.raises(TrainingConfigError, match=reason):
        TrainingConfig.from_dict(record)
