"""What each process of `test_distributed` runs: a training whose losses the first one writes.

torchrun … distributed_worker.py OUT OPTIONS
"""

import ml_backend  # first of all: see there  # isort: skip  # noqa: F401
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from ml_backend.training.distributed import is_first
from ml_backend.training.fit import Step, fit
from tests.ml_backend.training.small import options, partly_annotated


def main(out: Path, given: str) -> None:
    """Train twice in one process, as folds do."""
    config = options(**json.loads(given))
    for _ in range(2):
        steps: list[Step] = []
        fitted = fit(
            partly_annotated(), config, seed=3, device=torch.device("cpu"), watch=steps.append
        )
    rank = "first" if is_first() else "other"
    assert bool(steps) == is_first()
    save_file(fitted.model.state_dict(), out / f"{rank}.safetensors")
    record = {"losses": [step.loss for step in steps], "dev_f1": fitted.dev.micro.f1}
    (out / f"{rank}.json").write_text(json.dumps(record), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
