from pathlib import Path

from click.testing import CliRunner

from ml_backend.cli.tagger import tagger
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.training.option_yaml import read_options


def test_what_it_prints_is_a_configuration_of_every_option(tmp_path: Path) -> None:
    printed = CliRunner().invoke(tagger, ["options"], catch_exceptions=False).output
    path = tmp_path / "options.yaml"
    path.write_text(printed, "utf-8")
    assert read_options(path) == TrainingConfig()
    lines = printed.splitlines()
    assert {line.split(":")[0] for line in lines if not line.startswith("#")} == set(
        TrainingConfig.model_fields
    )
    assert "one of crf, softmax, bilstm-crf, bigru-crf, span, biaffine" in printed
