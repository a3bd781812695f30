"""How a version comes to be, from gold to a finished folder: the only way, whoever asks."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ml_backend.contract.scoring import Scores
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.tagger import checkpoint, ensemble
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.ensemble import Ensemble
from ml_backend.tagger.predict import Tagger
from ml_backend.training.calibrate import calibrate
from ml_backend.training.dataset import TrainingData
from ml_backend.training.distributed import is_first
from ml_backend.training.evaluate import judge
from ml_backend.training.fit import Step, fit
from ml_backend.training.members import make_members
from ml_backend.training.option_yaml import write_options
from ml_backend.training.serving_form import choose

OPTIONS = "training.yaml"  # in a version's folder: all of its options, fit to train with again


def make_version(
    data: TrainingData,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    about: dict[str, Any],
    watch: Callable[[Step], None],
    resume_in: Path | None = None,
    start_from: Path | None = None,
) -> dict[str, Any]:
    """Train and write the version into the folder; `about` is recorded with it.

    A training that was killed goes on from the folder `resume_in`, a new one from the weights of
    the version in `start_from`, see `fit`. Under torchrun every process calls this and the first
    one writes.

    Returns the record: what was asked for, what was trained on, and how it went on dev.
    """
    if config.folds or config.members > 1:
        return _make_ensemble(
            data,
            config,
            seed=seed,
            folder=folder,
            about=about,
            watch=watch,
            resume_in=resume_in,
            start_from=start_from,
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    fitted = fit(
        data,
        config,
        seed=seed,
        device=device,
        watch=watch,
        resume_in=resume_in,
        start_from=start_from,
    )
    chosen = choose(fitted.model, data.dev, config.serving_form, device)
    calibrated = calibrate(data.dev, chosen.readings, config.calibration, doubtful=config.doubtful)
    told = calibrated.calibration.apply(chosen.readings)
    made = {
        **about,
        "config": config.to_dict(),
        "seed": seed,
        "start": fitted.start,
        "documents": data.documents,
        "steps": fitted.steps,
        "epochs": fitted.epochs,
        "dev": judge(data.dev, told).to_dict(),
        "serving_forms": chosen.figures,
        "held_out_log_loss": calibrated.held_out,
    }
    if is_first():
        folder.mkdir(parents=True, exist_ok=True)
        write_options(config, folder / OPTIONS)
        checkpoint.save(
            fitted.model,
            folder,
            training=made,
            calibration=calibrated.calibration,
            form=chosen.form,
        )
    return made


def _make_ensemble(
    data: TrainingData,
    config: TrainingConfig,
    *,
    seed: int,
    folder: Path,
    about: dict[str, Any],
    watch: Callable[[Step], None],
    resume_in: Path | None,
    start_from: Path | None,
) -> dict[str, Any]:
    """Make the members as versions of their own, and one version of them."""
    members = make_members(
        make_version,
        data,
        config,
        seed=seed,
        folder=folder,
        watch=watch,
        resume_in=resume_in,
        start_from=start_from,
        processes=_at_a_time(config),
    )
    made = {
        **about,
        "config": config.to_dict(),
        "seed": seed,
        "start": members[0]["start"],
        "documents": data.documents,
        "steps": sum(member["steps"] for member in members),
        "epochs": sum(member["epochs"] for member in members) / len(members),
        "members_dev_f1": [Scores.from_dict(member["dev"]).micro.f1 for member in members],
    }
    if not is_first():
        return made
    folders = [folder / "members" / str(number) for number in range(len(members))]
    tagger = Ensemble([Tagger.load(member) for member in folders])
    readings = tagger.predict([document.text for document in data.dev])
    calibrated = calibrate(data.dev, readings, config.calibration, doubtful=config.doubtful)
    told = calibrated.calibration.apply(readings)
    made["dev"] = judge(data.dev, told).to_dict()
    made["held_out_log_loss"] = calibrated.held_out
    write_options(config, folder / OPTIONS)
    ensemble.save(folder, training=made, calibration=calibrated.calibration)
    return made


def _at_a_time(config: TrainingConfig) -> int:
    """Members that are trained side by side: the built-in encoder keeps to one core."""
    alone = torch.cuda.is_available() or "WORLD_SIZE" in os.environ
    if alone or config.encoder != BuiltinEncoder.name:
        return 1
    return os.cpu_count() or 1
