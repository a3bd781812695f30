"""Small snapshots, jobs and one trained tagger for the tests of the ML backend."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.sample.generate import generate
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.messages import JobFolder, TrainRequest
from ml_backend.contract.model_store import Champion, ModelStore
from ml_backend.contract.snapshot import GoldDocument, write_snapshot
from ml_backend.training.run import train

GENERAL = Path(__file__).parents[2] / "annotation_configs" / "general.xml"

# Options under which training takes a few seconds and learns something.
TINY = {
    "min_steps": 80,
    "epochs": 1,
    "looks": 2,
    "hidden": 24,
    "symbol_size": 16,
    "evidence_size": 16,
    "learning_rate": 0.01,
}

MakeJob = Callable[..., JobFolder]


def sample_gold(documents: int, *, seed: int = 3) -> list[GoldDocument]:
    """Generated gold, each document a group of its own."""
    return [
        GoldDocument(document.id, document.id, document.text, list(document.entities))
        for document in generate(documents, seed=seed)
    ]


@pytest.fixture(scope="session")
def general_labels() -> LabelSet:
    """The 33 general classes."""
    return parse_label_config(GENERAL.read_text("utf-8")).labels


@pytest.fixture
def make_job(tmp_path: Path, general_labels: LabelSet) -> MakeJob:
    """Make a training job on generated gold; keywords replace fields of its request."""

    def make(name: str = "job", *, model_store_name: str = "store", **request: Any) -> JobFolder:
        store = tmp_path / model_store_name
        return write_job(tmp_path / name, store, general_labels, 90, request)

    return make


@pytest.fixture(scope="session")
def tiny_model_store(
    tmp_path_factory: pytest.TempPathFactory, general_labels: LabelSet
) -> ModelStore:
    """A store whose project `tiny` has one trained version, `v1`, as its champion."""
    root = tmp_path_factory.mktemp("tiny")
    request = {"project_key": "tiny", "version": "v1"}
    job = write_job(root / "job", root / "store", general_labels, 150, request)
    train(str(job.path))
    store = ModelStore(root / "store")
    store.set_champion("tiny", Champion("v1", GENERAL.read_text("utf-8")))
    return store


def write_job(
    folder: Path, store: Path, labels: LabelSet, documents: int, request: dict[str, Any]
) -> JobFolder:
    """Freeze generated gold into a job folder: two thirds train, the rest dev and gate."""
    job = JobFolder(folder)
    job.path.mkdir(parents=True)
    gold = sample_gold(documents)
    third = documents // 3
    parts = {"train": gold[: -third or None], "dev": gold[-third::2], "gate": gold[-third + 1 :: 2]}
    write_snapshot(job.snapshot, parts, labels)
    fields = {"project_key": "tiny", "version": "v1", "config": TINY, **request}
    job.write_request(TrainRequest(model_store=str(store), **fields))
    return job
