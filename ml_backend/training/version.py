"""How a version comes to be, from gold to a finished folder: the only way, whoever asks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ml_backend.tagger import checkpoint
from ml_backend.training.config import TrainingConfig
from ml_backend.training.dataset import TrainingData
from ml_backend.training.fit import Step, fit


def make_version(
    data: TrainingData,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    about: dict[str, Any],
    watch: Callable[[Step], None],
) -> dict[str, Any]:
    """Train and write the version into the folder; `about` is recorded with it.

    Returns the record: what was asked for, what was trained on, and how it went on dev.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    fitted = fit(data, config, seed=seed, device=device, watch=watch)
    made = {
        **about,
        "config": config.to_dict(),
        "seed": seed,
        "documents": data.documents,
        "steps": fitted.steps,
        "epochs": fitted.epochs,
        "dev": fitted.dev.to_dict(),
    }
    checkpoint.save(fitted.model, folder, training=made)
    return made
