"""A tagger as a folder: safetensors, its configuration and its labels; never a pickle.

VERSION/config.json           format, network, how it was trained, SHA-256 of the other files
VERSION/labels.json           the label names, in the order of the tags
VERSION/weights.safetensors   parameters and vocabulary
VERSION/…                     what else the encoder needs: a tokenizer's files
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ml_backend.contract.model_store import write_atomically
from ml_backend.tagger.calibration import Calibration
from ml_backend.tagger.forms import FORMS, FP32, Form
from ml_backend.tagger.model import Model, build

FORMAT = "goldloop-tagger-2"
CONFIG, LABELS, WEIGHTS = "config.json", "labels.json", "weights.safetensors"
_WRONG = (AttributeError, KeyError, TypeError, ValueError)  # raised of JSON of another shape


class CheckpointError(Exception):
    """A folder that is not a whole tagger of this format; the message says what is wrong."""

    def __init__(self, folder: Path, reason: str):
        self.folder, self.reason = folder, reason
        super().__init__(f"no usable tagger in {folder}: {reason}")


def save(
    model: Model,
    folder: Path,
    *,
    training: dict[str, Any],
    calibration: Calibration | None = None,
    form: Form = FP32,
) -> None:
    """Write a tagger into a folder, the configuration last; `training` says how it was made and
    `form` in which form it is served.

    Whatever else lies in the folder belongs to the tagger.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu() for name, value in model.state_dict().items()}
    save_file({name: tensors[name].contiguous() for name in sorted(tensors)}, folder / WEIGHTS)
    _write_json(folder / LABELS, list(model.labels))
    model.encoder.save_assets(folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CONFIG)
    config = {
        "format": FORMAT,
        "model": model.to_dict(),
        "files": {path.relative_to(folder).as_posix(): sha256(path) for path in files},
        "form": form.name,
        "bounds": form.bounds,
        "calibration": (calibration or Calibration()).to_dict(),
        "training": training,
    }
    write_config(folder, config)


def load(folder: Path) -> Model:
    """Read a tagger, ready to predict, on the CPU; raises CheckpointError when it is not one."""
    config = read_config(folder)
    if config.get("format") != FORMAT:
        raise CheckpointError(folder, f"{CONFIG} is not of the format {FORMAT}")
    _verify(folder, config.get("files"))
    try:
        model = build(config["model"], _read_json(folder, LABELS), folder)
        model.load_state_dict(load_file(folder / WEIGHTS))
    except (SafetensorError, RuntimeError, *_WRONG) as error:
        raise CheckpointError(folder, f"the weights do not fit {CONFIG}: {error}") from error
    if not all(bool(torch.isfinite(p).all()) for p in model.parameters()):
        raise CheckpointError(folder, f"{WEIGHTS} holds numbers that are not finite")
    return model.eval().requires_grad_(False)


def calibration(folder: Path) -> Calibration:
    """What makes a tagger's probabilities mean what they say; raises CheckpointError."""
    config = read_config(folder)
    try:
        return Calibration.from_dict(config["calibration"])
    except _WRONG as error:
        raise CheckpointError(folder, f"{CONFIG} has no usable calibration: {error}") from error


def form(folder: Path) -> Form:
    """The form in which a tagger is served; raises CheckpointError."""
    config = read_config(folder)
    name, bounds = config.get("form"), config.get("bounds", [])
    if name not in FORMS:
        raise CheckpointError(folder, f"{CONFIG} does not say in which form it is served: {name}")
    try:
        return Form(name, tuple((float(low), float(high)) for low, high in bounds))
    except (TypeError, ValueError) as error:
        raise CheckpointError(folder, f"{CONFIG} has no usable bounds: {error}") from error


def training_record(folder: Path) -> dict[str, Any]:
    """How a version was made, as `save` was told; raises CheckpointError."""
    record = read_config(folder).get("training")
    if not isinstance(record, dict):
        raise CheckpointError(folder, f"{CONFIG} does not say how it was trained")
    return record


def read_config(folder: Path) -> dict[str, Any]:
    """A version's configuration as it was written; raises CheckpointError."""
    config = _read_json(folder, CONFIG)
    if not isinstance(config, dict):
        raise CheckpointError(folder, f"{CONFIG} holds no configuration")
    return config


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Write what says that a version is whole, atomically."""
    _write_json(folder / CONFIG, config)


def sha256(path: Path) -> str:
    """Of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(folder: Path, files: Any) -> None:
    if not isinstance(files, dict) or not {LABELS, WEIGHTS} <= files.keys():
        raise CheckpointError(folder, f"{CONFIG} does not name its files")
    for name, expected in files.items():
        if not (folder / name).is_file():
            raise CheckpointError(folder, f"{name} is missing")
        if sha256(folder / name) != expected:
            raise CheckpointError(folder, f"{name} is not what {CONFIG} says")


def _read_json(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError:
        raise CheckpointError(folder, f"{name} is missing") from None
    except (OSError, ValueError) as error:
        raise CheckpointError(folder, f"{name} cannot be read: {error}") from error


def _write_json(path: Path, record: Any) -> None:
    content = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True)
    write_atomically(path, content.encode())
