from pathlib import Path

import pytest

from ml_backend.contract.training_config import TrainingConfig, TrainingConfigError
from ml_backend.training.option_yaml import read_options, write_options


def test_options_are_read_as_they_were_written(tmp_path: Path) -> None:
    config = TrainingConfig.from_dict({"encoder": "한국어", "learning_rate": 1e-7})
    write_options(config, tmp_path / "config.yaml")
    assert read_options(tmp_path / "config.yaml") == config


def test_a_number_may_be_written_with_an_exponent(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("learning_rate: 1e-3\nema: 9.9E-1\nweight_decay: .5e-2\nclip: 1e1\n", "utf-8")
    config = read_options(path)
    assert (config.learning_rate, config.ema) == (0.001, 0.99)
    assert (config.weight_decay, config.clip) == (0.005, 10.0)


def test_an_option_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("epochs: 3\nhead: span\nepochs: 4\n", "utf-8")
    with pytest.raises(TrainingConfigError, match="epochs is there twice"):
        read_options(path)


def test_any_name_can_be_asked_for_in_place_of_the_files(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("epochs: 3\n", "utf-8")
    for name in ("path", "cls"):
        with pytest.raises(TrainingConfigError, match=f"no training option {name}"):
            read_options(path, {name: 1})


def test_a_file_holds_options_and_its_faults_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("head: span\nepochs: 3\n", "utf-8")
    config = read_options(path, {"epochs": 4})
    assert (config.head, config.epochs) == ("span", 4)
    for content in ("- 1", "epochs: [", "7: 3", "epoch: 3", "? [a]\n: 1"):
        path.write_text(content, "utf-8")
        with pytest.raises(TrainingConfigError):
            read_options(path)
    assert read_options(Path("/dev/null")) == TrainingConfig()
