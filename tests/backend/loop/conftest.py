"""The loop's real surroundings: Label Studio, Redis, the ML backend, and two trained versions."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import select

from backend.clients.label_studio import LabelStudio
from backend.commands.db import upgrade_database
from backend.context import Context, open_context
from backend.db import pool
from backend.db.tables import Document, Project, Publication, Version, now
from backend.demo.stack import Stack
from backend.embedded.processes import Processes
from backend.loop import publication, working_set
from backend.sample.generate import generate
from backend.settings import Settings
from backend.workflow.label_studio.connect import connect
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.messages import PREDICT_QUEUE, JobFolder, TrainRequest
from ml_backend.contract.model_store import ModelStore
from ml_backend.contract.snapshot import GoldDocument, write_snapshot
from ml_backend.training.run import train
from tests.servers import LabelStudioServer, RedisServer, free_port

CONFIG = (Path(__file__).parents[3] / "annotation_configs" / "general.xml").read_text("utf-8")
TINY = {
    "min_steps": 60,
    "epochs": 1,
    "looks": 2,
    "hidden": 24,
    "symbol_size": 16,
    "evidence_size": 16,
    "learning_rate": 0.01,
}


@dataclass
class World:
    """Real servers and a context; `predict` does the prediction worker's work, here and now."""

    context: Context
    stack: Stack
    versions: dict[str, Path]
    made: int = field(default=0)

    def project(self, *, documents: int = 30, attached: bool = False, **settings: Any) -> Project:
        """A project with a pool, a Label Studio project, and the two versions in its store."""
        self.made += 1
        key = f"loop-{self.made}"
        for name, folder in self.versions.items():
            self.context.models.add(key, name, folder)
        number = self.context.label_studio.create_project(key, CONFIG)
        with self.context.database.write() as session:
            project = Project(
                key=key,
                name=key,
                label_config=CONFIG,
                labels=list(parse_label_config(CONFIG).labels),
                settings=settings,
                label_studio_id=number,
                connected_at=now(),
            )
            session.add(project)
            session.flush()
            for name in self.versions:
                session.add(Version(project_id=project.id, name=name))
            for made in generate(documents * 2, seed=self.made):
                if made.copy_of is None and documents > 0:
                    documents -= 1
                    digest = hashlib.sha256(made.text.encode()).hexdigest()
                    session.add(
                        Document(
                            project_id=project.id,
                            external_id=made.id,
                            text=made.text,
                            group_key=digest,
                            deduped=True,
                        )
                    )
        if attached:
            connect(
                self.context.label_studio,
                self.context.settings,
                key=key,
                label_studio_id=number,
                champion=None,
            )
        return project

    def predict(self) -> None:
        """What the prediction worker would do now."""
        redis = Redis.from_url(self.context.settings.redis_address)
        SimpleWorker([PREDICT_QUEUE], connection=redis).work(burst=True, logging_level="WARNING")

    def fill(self, project: Project) -> None:
        """Top up as the jobs would."""
        for _ in range(4):
            if working_set.top_up(self.context, project.id):
                return
            self.predict()

    def publish(self, project: Project, version: str) -> Publication:
        """Publish as the jobs would, to the end."""
        opened = publication.begin(self.context, project.key, version, "a test")
        return self.finish(opened.id)

    def finish(self, publication_id: int) -> Publication:
        for _ in range(6):
            self.predict()
            if publication.advance(self.context, publication_id) in ("done", "failed"):
                break
        with self.context.database.read() as session:
            return session.get_one(Publication, publication_id)

    def open_documents(self, project: Project) -> list[Document]:
        with self.context.database.read() as session:
            return pool.open_documents(session, project.id)

    def version(self, project: Project, name: str) -> Version:
        with self.context.database.read() as session:
            return session.scalars(
                select(Version).where(Version.project_id == project.id, Version.name == name)
            ).one()

    def fresh(self, project: Project) -> Project:
        with self.context.database.read() as session:
            return session.get_one(Project, project.id)


class Killed(Exception):
    """What a test's Label Studio client raises in place of a process that dies."""


class Dying(LabelStudio):
    """A real client whose process dies right after its n-th request was answered."""

    def __init__(self, like: LabelStudio, api_key: str, after: int):
        super().__init__(like.url, api_key, timeout=30.0)
        self.left = after

    def _call(self, method: str, path: str, **options: Any) -> Any:
        answer = super()._call(method, path, **options)
        self.left -= 1
        if self.left == 0:
            raise Killed(f"{method} {path}")
        return answer


def dying(world: World, after: int) -> Context:
    """A context whose process dies after `after` requests to Label Studio."""
    context = open_context(world.context.settings)
    key = world.context.settings.label_studio_api_key.get_secret_value()
    context.__dict__["label_studio"] = Dying(world.context.label_studio, key, after)
    return context


@pytest.fixture(scope="session")
def trained_versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two small versions, trained for real."""
    folder = tmp_path_factory.mktemp("trained")
    labels = parse_label_config(CONFIG).labels
    gold = [
        GoldDocument(one.id, one.id, one.text, list(one.entities)) for one in generate(90, seed=3)
    ]
    parts = {"train": gold[:60], "dev": gold[60:75], "gate": gold[75:]}
    for seed, name in enumerate(("v1", "v2")):
        job = JobFolder(folder / f"job-{name}")
        write_snapshot(job.snapshot, parts, labels)
        job.write_request(TrainRequest("t", name, str(folder / "store"), None, seed, TINY))
        train(str(job.path))
    store = ModelStore(folder / "store")
    return {name: store.version_folder("t", name) for name in ("v1", "v2")}


@pytest.fixture(scope="session")
def world(
    label_studio: LabelStudioServer,
    trained_versions: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    home = tmp_path_factory.mktemp("loop")
    bind = f"127.0.0.1:{free_port()}"
    settings = Settings(
        _env_file=None,
        goldloop_home=home,
        label_studio_url=label_studio.url,
        label_studio_api_key=label_studio.api_key,
        ml_backend_bind=bind,
        ml_backend_url=f"http://{bind}",
        secret_key="k" * 40,
        webhook_secret="w" * 40,
        ml_backend_password="m" * 40,
        public_url=f"http://127.0.0.1:{free_port()}",
        lease_seconds=5,
    )
    upgrade_database(settings)
    redis = RedisServer(settings).start()
    stack = Stack(settings, Processes(home / "logs"))
    try:
        stack.start_service("ml-backend")
        stack.wait_web("the ML backend", f"{settings.ml_backend_url}/health")
        yield World(stack.context, stack, trained_versions)
    finally:
        stack.processes.stop_all()
        redis.stop()
        shutil.rmtree(home, ignore_errors=True)
