"""Several processes train what one does with as many batches a step."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ml_backend.training.fit import Step, fit
from tests.ml_backend.training import vector_files
from tests.ml_backend.training.small import options, partly_annotated

ROOT = Path(__file__).parents[3]
WORKER = Path(__file__).with_name("distributed_worker.py")
OPTIONS = {
    "min_steps": 12,
    "epochs": 1,
    "batch_documents": 2,
    "dropout": 0.5,
    "looks": 3,
    "fgm": 0.3,
    "accumulation": 2,
}


def test_two_gloo_processes_train_as_one_with_double_accumulation(tmp_path: Path) -> None:
    vectors = vector_files.text(tmp_path / "words.vec", {"서울": [1.0, -2.0], "부산": [0.5, 1.0]})
    given = {**OPTIONS, "vectors": str(vectors)}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*torchrun, str(WORKER), str(tmp_path), json.dumps(given)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, timeout=300, env=environment, cwd=ROOT)
    two = json.loads((tmp_path / "first.json").read_text("utf-8"))

    steps: list[Step] = []
    doubled = options(**{**given, "accumulation": 4})
    fitted = fit(
        partly_annotated(), doubled, seed=3, device=torch.device("cpu"), watch=steps.append
    )
    assert two["losses"] == pytest.approx([step.loss for step in steps], rel=1e-4)
    assert len(two["losses"]) == 12
    assert two["losses"][-1] < two["losses"][0]
    assert two["dev_f1"] == pytest.approx(fitted.dev.micro.f1, abs=0.02)

    # every process ends with the same weights, close to those of the one
    first, other = (load_file(tmp_path / f"{rank}.safetensors") for rank in ("first", "other"))
    assert all(torch.equal(first[name], other[name]) for name in first)
    alone = fitted.model.state_dict()
    assert all(torch.allclose(first[name], alone[name], atol=1e-2) for name in alone)
