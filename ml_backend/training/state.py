"""Where a training stands, and that as one file: what a killed one goes on from, to the bit.

FOLDER/training.safetensors holds the weights, their average, the best so far and the optimizer's
moments; its header holds the rest as JSON. It is replaced atomically, so there is always a whole
one, and nothing in it is a pickle. Random generators are not in it: each batch seeds its own.
"""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ml_backend.contract.scoring import Scores
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger.model import Model
from ml_backend.training.averaging import Average
from ml_backend.training.dataset import TrainingData
from ml_backend.training.gazetteer import read_gazetteer
from ml_backend.training.vectors import read_vectors

FILE = "training.safetensors"
Weights = dict[str, Tensor]


@dataclass
class Course:
    """A training under way: everything that its next step depends on."""

    model: Model
    average: Average
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    step: int = 0
    epochs: float = 0.0
    loss: float = 0.0  # a text's, smoothed over the steps
    waited: int = 0  # looks since the best
    best: Weights | None = None  # on dev, of the average
    scores: Scores | None = None  # theirs


def mark_of(data: TrainingData, config: TrainingConfig, *, seed: int, together: int) -> str:
    """What a training is made from, as SHA-256: only a state with the same one is gone on from.

    `together` is the batches of a step, over all processes. Raises GazetteerError, VectorsError.
    """
    digest = hashlib.sha256()
    labels = list(data.labels)
    digest.update(json.dumps([config.to_dict(), seed, together, labels], sort_keys=True).encode())
    gold = [(one.text, one.entities, one.missing, one.weight) for one in data.train]
    gold += [(one.text, one.entities, one.missing, 1.0) for one in data.dev]
    for text, entities, missing, weight in gold:
        about = [text, [entity.key for entity in entities], sorted(missing), weight]
        digest.update(json.dumps(about).encode())
    if config.gazetteer:
        digest.update(json.dumps(read_gazetteer(Path(config.gazetteer))).encode())
    if config.vectors:
        words = read_vectors(Path(config.vectors), config.most_vectors)
        digest.update(words.words.tobytes() + words.vectors.numpy().tobytes())
    return digest.hexdigest()


def save(course: Course, folder: Path, mark: str) -> None:
    """Replace the folder's state by this one."""
    parts = {"model": course.model.state_dict(), "average": course.average.model.state_dict()}
    parts["best"] = course.best or {}
    for place, kept in course.optimizer.state_dict()["state"].items():
        parts[f"moments.{place}"] = kept
    # safetensors wants each tensor in memory of its own
    tensors = {
        f"{part}/{name}": tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for part, weights in parts.items()
        for name, tensor in weights.items()
    }
    record = {
        "mark": mark,
        "step": course.step,
        "epochs": course.epochs,
        "loss": course.loss,
        "waited": course.waited,
        "scores": course.scores and course.scores.to_dict(),
        "averaged": course.average.averaged,
        "scaler": course.scaler.state_dict(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{FILE}.")
    os.close(handle)
    try:
        save_file(tensors, temporary, metadata={"record": json.dumps(record)})
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        Path(temporary).replace(folder / FILE)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def resume(course: Course, folder: Path, mark: str) -> bool:
    """Bring a new training to where the folder's state stands; False when it has none of this
    mark that can be read, and the training begins anew."""
    read = _read(folder / FILE)
    if read is None or read[0].get("mark") != mark:
        return False
    record, parts = read
    course.model.load_state_dict(parts["model"])
    course.average.restore(parts["average"], record["averaged"])
    moments = {
        int(part.removeprefix("moments.")): kept
        for part, kept in parts.items()
        if part.startswith("moments.")
    }
    groups = course.optimizer.state_dict()["param_groups"]
    course.optimizer.load_state_dict({"state": moments, "param_groups": groups})
    course.scaler.load_state_dict(record["scaler"])
    for name in ("step", "epochs", "loss", "waited"):
        setattr(course, name, record[name])
    if record["scores"] is not None:
        course.scores = Scores.from_dict(record["scores"])
        device = next(course.model.parameters()).device
        course.best = {name: tensor.to(device) for name, tensor in parts["best"].items()}
    return True


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Weights]] | None:
    parts: dict[str, Weights] = {}
    try:
        with safe_open(path, "pt") as file:
            record = json.loads((file.metadata() or {})["record"])
            for name in file.keys():  # noqa: SIM118 (it is no mapping)
                part, inner = name.split("/", 1)
                parts.setdefault(part, {})[inner] = file.get_tensor(name)
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    return record, parts
