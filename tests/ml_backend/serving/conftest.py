"""The ML backend as it runs: gunicorn in a process of its own, over a model store."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import torch

from backend.sample.generate import generate
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.model_store import Champion, ModelStore
from ml_backend.tagger import checkpoint
from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.model import Model
from ml_backend.tagger.predict import Tagger

CONFIGS = Path(__file__).parents[3] / "annotation_configs"
USER, PASSWORD = "labeller", "pass wörd"


def save_version(store: ModelStore, key: str, version: str, labels: LabelSet, seed: int) -> Path:
    """Put a real tagger with random weights into a store: it finds many wrong entities."""
    torch.manual_seed(seed)
    texts = [document.text for document in generate(50, seed=seed)]
    known = Knowledge.of(texts, [()] * len(texts), labels, least_symbols=1)
    encoder = BuiltinEncoder.of(known, hidden=16)
    model = Model(encoder, CrfHead(labels, encoder.size))
    outside = model.head.scheme.tags.index(("O", ""))
    with torch.no_grad():  # entities here and there, not everywhere
        torch.nn.init.normal_(model.encoder.symbol.weight)
        torch.nn.init.normal_(model.head.emit.weight)
        model.head.emit.bias[outside] += 2
    folder = store.version_folder(key, version)
    checkpoint.save(model, folder, training={"seed": seed})
    return folder


@dataclass
class Project:
    """A project with a champion, and texts to try it on."""

    store: ModelStore
    version: str
    config: str
    texts: list[str]

    @property
    def folder(self) -> Path:
        return self.store.version_folder("news", self.version)

    @property
    def tagger(self) -> Tagger:
        return Tagger.load(self.folder)

    def publish(self, version: str, seed: int) -> None:
        save_version(self.store, "news", version, parse_label_config(self.config).labels, seed)
        self.store.set_champion("news", Champion(version, self.config))


@pytest.fixture
def news(tmp_path: Path) -> Project:
    """The project `news`, of the general classes, with its champion `v1`."""
    config = (CONFIGS / "general.xml").read_text("utf-8")
    texts = [document.text for document in generate(12, seed=3)]
    project = Project(ModelStore(tmp_path / "models"), "v1", config, texts)
    project.publish("v1", seed=1)
    return project


@dataclass
class Running:
    """One process and a client with its credentials."""

    url: str
    client: httpx.Client
    process: subprocess.Popen[bytes]
    log: Path

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self.client.get("/health").status_code == 200
        return False

    def status(self, key: str) -> dict[str, str | None]:
        projects = self.client.get("/health").raise_for_status().json()["projects"]
        return dict(projects.get(key) or {"champion": None, "loaded": None, "error": None})


@pytest.fixture
def start_ml_backend(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts `goldloop ml-backend` over a model store; all are stopped at the end."""
    running: list[Running] = []

    def start(models: Path, **environment: str) -> Running:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            bind = f"127.0.0.1:{probe.getsockname()[1]}"
        log = tmp_path / f"ml-backend-{len(running)}.log"
        settings = {
            "GOLDLOOP_HOME": str(tmp_path),
            "MODEL_STORE": str(models),
            "ML_BACKEND_USER": USER,
            "ML_BACKEND_PASSWORD": PASSWORD,
            "ML_BACKEND_BIND": bind,
            **environment,
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("goldloop")), "ml-backend"],
                env={**os.environ, **settings},
                cwd=tmp_path,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        client = httpx.Client(base_url=f"http://{bind}", auth=(USER, PASSWORD), timeout=100)
        found = Running(f"http://{bind}", client, process, log)
        running.append(found)
        found.until(found.answers)
        return found

    yield start
    for found in running:
        found.client.close()
        found.process.terminate()
        found.process.wait(30)
