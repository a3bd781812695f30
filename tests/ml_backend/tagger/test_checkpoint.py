import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from backend.sample.generate import generate
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.model_store import ModelStore
from ml_backend.tagger import checkpoint
from ml_backend.tagger.checkpoint import CheckpointError
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.model import Model
from ml_backend.tagger.predict import Tagger

PREDICT = """
import json, sys
from pathlib import Path
from ml_backend.tagger.predict import Tagger
folder, texts = sys.argv[1], json.loads(sys.stdin.read())
for prediction in Tagger.load(Path(folder)).predict(texts):
    print(prediction.confidence.hex(), [(e.key, e.probability.hex()) for e in prediction.entities])
"""


@pytest.fixture
def version(tiny_model_store: ModelStore, tmp_path: Path) -> Path:
    """A copy of a trained version that a test may damage."""
    copy = tmp_path / "version"
    shutil.copytree(tiny_model_store.version_folder("tiny", "v1"), copy)
    return copy


def predicted(folder: Path, texts: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, str(folder)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_a_fresh_process_predicts_the_same_to_the_bit(version: Path, tmp_path: Path) -> None:
    texts = [document.text for document in generate(50, seed=4)]
    predictions = Tagger.load(version).predict(texts)
    here = "".join(
        f"{p.confidence.hex()} {[(e.key, e.probability.hex()) for e in p.entities]}\n"
        for p in predictions
    )
    assert predicted(version, texts) == here
    # and so does what is saved from what was loaded
    again = tmp_path / "again"
    checkpoint.save(checkpoint.load(version), again, training={})
    assert (again / "weights.safetensors").read_bytes() == (
        version / "weights.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_any_label_names_and_either_scheme_survive(scheme: str, tmp_path: Path) -> None:
    labels = LabelSet(("조직/기관", "IT 용어", "B-PER", "화폐(통화)", "🏥"))
    known = Knowledge.of(["가나다"], [[]], labels, least_symbols=1, least_strings=1)
    encoder = BuiltinEncoder.of(known, hidden=4, symbol_size=4, evidence_size=4)
    model = Model(encoder, CrfHead(labels, encoder.size, scheme=scheme)).eval()
    checkpoint.save(model, tmp_path / "m", training={"seed": 1})
    assert Tagger.load(tmp_path / "m").labels == labels
    assert checkpoint.training_record(tmp_path / "m") == {"seed": 1}
    texts = ["가나다라", "마"]
    assert Tagger.load(tmp_path / "m").predict(texts) == Tagger(model).predict(texts)


def refused(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        Tagger.load(folder)
    assert str(folder) in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("name", ["config.json", "labels.json", "weights.safetensors"])
def test_a_missing_file_is_named(version: Path, name: str) -> None:
    (version / name).unlink()
    assert refused(version) == f"{name} is missing"


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "nowhere") == "config.json is missing"


@pytest.mark.parametrize("name", ["labels.json", "weights.safetensors"])
@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-9] + b"123456789"])
def test_a_changed_file_is_refused(version: Path, name: str, damage) -> None:
    (version / name).write_bytes(damage((version / name).read_bytes()))
    assert refused(version) == f"{name} is not what config.json says"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": "another"}'])
def test_a_foreign_configuration_is_refused(version: Path, content: bytes) -> None:
    (version / "config.json").write_bytes(content)
    assert "config.json" in refused(version)


def rewritten(version: Path, change) -> None:
    """Change the weights and make the configuration agree, as a foreign program might."""
    tensors = load_file(version / "weights.safetensors")
    change(tensors)
    save_file(tensors, version / "weights.safetensors")
    config = json.loads((version / "config.json").read_text("utf-8"))
    config["files"]["weights.safetensors"] = checkpoint.sha256(version / "weights.safetensors")
    (version / "config.json").write_text(json.dumps(config), "utf-8")


@pytest.mark.parametrize(
    "changed", [{"form": "int4"}, {"form": None}, {"bounds": [1]}, {"bounds": [["a", 2]]}]
)
def test_a_form_that_there_is_not_is_refused(version: Path, changed: dict[str, object]) -> None:
    config = json.loads((version / "config.json").read_text())
    (version / "config.json").write_text(json.dumps(config | changed))
    with pytest.raises(CheckpointError):
        Tagger.load(version)


@pytest.mark.parametrize("wrong", [None, [], "x", 0, [None]])
@pytest.mark.parametrize(
    "where",
    [
        ("model",),
        ("model", "encoder"),
        ("model", "encoder", "labels"),
        ("model", "encoder", "labels", 0),
        ("model", "head"),
        ("calibration",),
        ("calibration", "spans"),
        ("calibration", "whole"),
        ("files",),
    ],
)
def test_a_configuration_of_another_shape_is_refused(
    version: Path, where: tuple[str | int, ...], wrong: object
) -> None:
    config = json.loads((version / "config.json").read_text("utf-8"))
    inner = config
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = wrong
    (version / "config.json").write_text(json.dumps(config), "utf-8")
    refused(version)


def test_weights_of_another_shape_are_refused(version: Path) -> None:
    rewritten(version, lambda t: t.update({"head.emit.bias": torch.zeros(3)}))
    assert "weights do not fit" in refused(version)


def test_weights_that_are_not_numbers_are_refused(version: Path) -> None:
    rewritten(version, lambda t: t["head.emit.bias"].fill_(float("nan")))
    assert "not finite" in refused(version)


def test_a_pickle_is_not_even_opened(version: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "exploded",))

    torch.save({"head.emit.bias": Bomb()}, version / "weights.safetensors")
    config = json.loads((version / "config.json").read_text("utf-8"))
    config["files"]["weights.safetensors"] = checkpoint.sha256(version / "weights.safetensors")
    (version / "config.json").write_text(json.dumps(config), "utf-8")
    assert "weights do not fit" in refused(version)
    assert not (tmp_path / "exploded").exists()
