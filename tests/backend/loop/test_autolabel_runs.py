"""Autolabel runs with a real Redis, real prediction workers and a trained version."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from rq import SimpleWorker
from sqlalchemy import func, select

from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db import autolabels
from backend.db.session import Database
from backend.db.tables import (
    Arm,
    Document,
    Gold,
    GoldSource,
    Part,
    Prediction,
    Project,
    Version,
    VersionState,
)
from backend.db.tables_of_autolabel import (
    Autolabel,
    AutolabelChunk,
    AutolabelRun,
    AutolabelRunState,
    AutolabelState,
    Promise,
    PromiseState,
)
from backend.demo.stack import environment_of
from backend.errors import ConflictError
from backend.loop import autolabel
from backend.loop.autolabel_chunks import LEAST_OUT
from backend.sample.generate import generate
from backend.settings import Settings
from backend.workflow.autolabels import chunks as autolabel_chunks
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.messages import PREDICT_QUEUE, JobFolder
from ml_backend.tagger.predict import Tagger
from tests.backend.loop.conftest import CONFIG
from tests.servers import RedisServer, end

pytestmark = pytest.mark.real
BORDER = "2666"  # of 15 %: hashes that sort before it are the random arm's


@dataclass
class Shop:
    """One project with a champion, without Label Studio; `predict` does a worker's work here."""

    context: Context
    project_id: int
    texts: list[str]

    def predict(self) -> None:
        redis = Redis.from_url(self.context.settings.redis_address)
        SimpleWorker([PREDICT_QUEUE], connection=redis).work(burst=True, logging_level="ERROR")

    def finish(self, run: AutolabelRun) -> AutolabelRun:
        """As the workers and the tick would, to the end."""
        for _ in range(100):
            if autolabel.advance(self.context, run.id) != AutolabelRunState.RUNNING:
                break
            self.predict()
        return self.read(run)

    def read(self, run: AutolabelRun) -> AutolabelRun:
        with self.context.database.read() as session:
            return session.get_one(AutolabelRun, run.id)

    def chunks(self, run: AutolabelRun) -> list[AutolabelChunk]:
        with self.context.database.read() as session:
            return autolabels.chunks_of(session, run.id)

    def counts(self) -> dict[str, int]:
        """Items by state, and how many predictions there are."""
        with self.context.database.read() as session:
            counts = autolabels.state_counts(session, self.project_id)
            predictions = session.scalar(select(func.count()).select_from(Prediction))
            return {state: count for state, count in counts.items() if count} | {
                "predictions": predictions or 0
            }

    def certify(self, folder: Path, count: int) -> None:
        """Give documents certify gold: what this very version says of them."""
        with self.context.database.write() as session:
            documents = session.scalars(
                select(Document).where(Document.project_id == self.project_id).limit(count)
            ).all()
            said = Tagger.load(folder).predict([document.text for document in documents])
            for document, found in zip(documents, said, strict=True):
                document.arm, document.part = Arm.RANDOM, Part.CERTIFY
                entities = [
                    {"start": one.start, "end": one.end, "label": one.label}
                    for one in found.entities
                ]
                session.add(
                    Gold(
                        document_id=document.id,
                        project_id=self.project_id,
                        entities=entities,
                        source=GoldSource.PERSON,
                        revision=1,
                    )
                )


@pytest.fixture
def context(settings: Settings, any_database: Database, redis_server: RedisServer) -> Context:
    return Context(
        settings.model_copy(update={"lease_seconds": 5}),
        any_database,
        JobQueue(settings.redis_address),
    )


@pytest.fixture
def shop(
    context: Context, trained_versions: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Shop:
    monkeypatch.setattr(autolabel_chunks, "CHUNK", 12)
    return open_shop(context, trained_versions, 70)


def open_shop(context: Context, trained_versions: dict[str, Path], documents: int) -> Shop:
    texts = list({made.text: None for made in generate(documents, seed=8)})
    for name, folder in trained_versions.items():
        context.models.add("shop", name, folder)
    with context.database.write() as session:
        project = Project(
            key="shop",
            name="shop",
            label_config=CONFIG,
            labels=list(parse_label_config(CONFIG).labels),
            settings={},
        )
        session.add(project)
        session.flush()
        for name in trained_versions:
            session.add(Version(project_id=project.id, name=name))
        for number, text in enumerate(texts):
            session.add(
                Document(
                    project_id=project.id,
                    external_id=f"{number:05}",
                    text=text,
                    group_key=hashlib.sha256(text.encode()).hexdigest(),
                    deduped=True,
                )
            )
        session.flush()
        serve(session, project.id, "v1")
        return Shop(context, project.id, texts)


def serve(session, project_id: int, name: str) -> None:
    version = session.scalars(
        select(Version).where(Version.project_id == project_id, Version.name == name)
    ).one()
    version.state = VersionState.CHAMPION
    session.get_one(Project, project_id).champion_id = version.id


def test_a_run_labels_the_whole_pool_once(shop: Shop):
    run = autolabel.start(shop.context, shop.project_id, "curator@example.com")
    assert (run.state, run.total) == ("running", len(shop.texts))
    out = shop.chunks(run)
    assert len(out) == LEAST_OUT
    assert [chunk.documents for chunk in out] == [12] * len(out)
    ended = shop.finish(run)
    assert (ended.state, ended.done, ended.reason) == ("done", len(shop.texts), "")
    assert ended.finished_at is not None
    assert shop.chunks(run) == []
    assert shop.counts() == {"pending": len(shop.texts), "predictions": len(shop.texts)}
    assert not autolabel_chunks.folder_of(shop.context.settings.jobs, run.id).exists()
    with shop.context.database.read() as session:
        promise = session.get_one(Promise, ended.promise_id)
        assert (promise.state, promise.threshold, promise.signed_by) == (
            PromiseState.LACKING,
            None,
            "curator@example.com",
        )
        assert promise.figures["needed"] == 59
        item = session.scalars(select(Autolabel)).first()
        assert item is not None
        assert item.changed_by == f"run {run.id}"
        assert all("probability" in entity for entity in item.entities)

    again = shop.finish(autolabel.start(shop.context, shop.project_id, "curator@example.com"))
    assert (again.id != run.id, again.state, again.total, again.done) == (True, "done", 0, 0)


def test_certify_gold_is_predicted_first_and_what_keeps_the_promise_becomes_gold(
    shop: Shop, trained_versions: dict[str, Path]
):
    shop.certify(trained_versions["v1"], 60)
    run = autolabel.start(shop.context, shop.project_id, "curator@example.com")
    with shop.context.database.read() as session:
        certify = {one.document_id for one in autolabels.certify_gold(session, shop.project_id)}
    assert len(certify) == 60
    first = {
        int(line.split('"')[3])
        for chunk in shop.chunks(run)
        for line in (Path(chunk.folder) / "input.jsonl").read_text("utf-8").splitlines()
    }
    assert first <= certify
    ended = shop.finish(run)
    with shop.context.database.read() as session:
        promise = session.get_one(Promise, ended.promise_id)
        assert promise.state == PromiseState.IN_FORCE
        assert promise.threshold is not None
        assert (promise.figures["documents"], promise.p, promise.delta) == (60, 0.95, 0.05)
        rows = session.execute(
            select(Autolabel, Document).join(Document, Document.id == Autolabel.document_id)
        ).all()
        assert len(rows) == len(shop.texts) - 60
        assert not certify & {item.document_id for item, _ in rows}
        for item, document in rows:
            accepted = item.confidence >= promise.threshold and document.group_key >= BORDER
            assert (item.state == AutolabelState.BY_RULE) == accepted
            gold = session.get(Gold, document.id)
            assert (gold is not None) == accepted
            if gold is not None:
                assert (gold.source, gold.promise_id, gold.version_name) == (
                    "rule",
                    promise.id,
                    "v1",
                )
                assert document.part == Part.TRAIN


def test_a_run_paused_in_the_middle_goes_on_where_it_was(shop: Shop):
    run = autolabel.start(shop.context, shop.project_id, "curator@example.com")
    shop.predict()
    autolabel.advance(shop.context, run.id)  # what is done is stored, and more is out
    done = shop.read(run).done
    assert 0 < done < len(shop.texts)
    paused = autolabel.pause(shop.context, "shop", "a test")
    assert paused.state == AutolabelRunState.PAUSED
    assert all(JobFolder(Path(one.folder)).cancel_asked() for one in shop.chunks(run))
    with pytest.raises(ConflictError, match="paused already"):
        autolabel.pause(shop.context, "shop", "a test")
    shop.predict()
    assert autolabel.advance(shop.context, run.id) == AutolabelRunState.PAUSED
    assert shop.read(run).done == done
    autolabel.resume(shop.context, "shop", "a test")
    ended = shop.finish(run)
    assert (ended.state, ended.done) == ("done", len(shop.texts))
    assert shop.counts() == {"pending": len(shop.texts), "predictions": len(shop.texts)}


def test_a_cancelled_run_keeps_what_is_stored_and_leaves_nothing_else(shop: Shop):
    run = autolabel.start(shop.context, shop.project_id, "curator@example.com")
    shop.predict()
    autolabel.advance(shop.context, run.id)
    done = shop.read(run).done
    autolabel.cancel(shop.context, "shop", "a test")
    assert shop.read(run).state == AutolabelRunState.CANCELLED
    assert shop.chunks(run) == []
    shop.predict()  # whatever waits in the queue finds nothing to do
    autolabel.advance(shop.context, run.id)
    assert not autolabel_chunks.folder_of(shop.context.settings.jobs, run.id).exists()
    assert shop.counts() == {"pending": done, "predictions": done}
    with pytest.raises(ConflictError, match="no autolabel run"):
        autolabel.cancel(shop.context, "shop", "a test")
    ended = shop.finish(autolabel.start(shop.context, shop.project_id, "curator@example.com"))
    assert ended.done == len(shop.texts) - done


def test_lost_bells_lost_folders_and_a_redis_that_was_away_cost_time_only(
    shop: Shop, redis_server: RedisServer
):
    redis_server.stop()
    run = autolabel.start(shop.context, shop.project_id, "curator@example.com")
    assert shop.read(run).state == AutolabelRunState.RUNNING
    redis_server.start()
    shop.predict()
    assert shop.read(run).done == 0
    autolabel.advance(shop.context, run.id)  # the tick rings again
    shop.predict()
    autolabel.advance(shop.context, run.id)
    assert shop.read(run).done > 0
    for chunk in shop.chunks(run):
        shutil.rmtree(chunk.folder)
    ended = shop.finish(run)
    assert (ended.state, ended.done) == ("done", len(shop.texts))


def test_a_newer_version_ends_the_run_and_begins_its_own(shop: Shop):
    run = autolabel.start(shop.context, shop.project_id, "curator@example.com")
    shop.predict()
    autolabel.advance(shop.context, run.id)
    done = shop.read(run).done
    with shop.context.database.write() as session:
        serve(session, shop.project_id, "v2")
    newer = autolabel.start(shop.context, shop.project_id, "publication")
    assert shop.read(run).state == AutolabelRunState.CANCELLED
    assert "v2 is served" in shop.read(run).reason
    ended = shop.finish(newer)
    assert (ended.total, ended.done) == (len(shop.texts), len(shop.texts))
    assert done > 0
    with shop.context.database.read() as session:
        assert set(session.scalars(select(Autolabel.version_id))) == {ended.version_id}
        assert set(session.scalars(select(Prediction.version_id))) == {ended.version_id}


def test_a_chunk_that_cannot_be_predicted_fails_the_run_after_some_attempts(shop: Shop):
    run = autolabel.start(shop.context, shop.project_id, "curator@example.com")
    for path in shop.context.models.version_folder("shop", "v1").glob("*"):
        if path.is_file():
            path.unlink()
    ended = shop.finish(run)
    assert ended.state == AutolabelRunState.FAILED
    assert "prediction failed" in ended.reason
    assert shop.counts() == {"predictions": 0}
    assert shop.chunks(run) == []


def test_without_a_version_there_is_nothing_to_label_with(shop: Shop):
    with shop.context.database.write() as session:
        session.get_one(Project, shop.project_id).champion_id = None
    with pytest.raises(ConflictError, match="no version is served"):
        autolabel.start(shop.context, shop.project_id, "curator@example.com")
    autolabel.start_after_publication(shop.context, shop.project_id)


def test_a_worker_killed_in_the_middle_loses_one_chunk_and_nothing_is_there_twice(
    context: Context, trained_versions: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(autolabel_chunks, "CHUNK", 400)
    shop = open_shop(context, trained_versions, 2400)
    run = autolabel.start(context, shop.project_id, "curator@example.com")
    worker = _worker(context)
    killed = _kill_at_work(shop, run, worker)
    assert JobFolder(Path(killed.folder)).result() is None

    worker = _worker(context)
    try:
        deadline = time.monotonic() + 240
        again = 0
        while autolabel.advance(context, run.id) == AutolabelRunState.RUNNING:
            again = max([again, *(chunk.attempts for chunk in shop.chunks(run))])
            assert time.monotonic() < deadline
            time.sleep(0.2)
    finally:
        end(worker)
    assert again == 1
    ended = shop.read(run)
    assert (ended.state, ended.done) == ("done", len(shop.texts))
    assert shop.counts() == {"pending": len(shop.texts), "predictions": len(shop.texts)}
    with context.database.read() as session:
        changes = session.execute(select(func.count()).select_from(Autolabel)).scalar_one()
        assert changes == len(shop.texts)


def _worker(context: Context) -> subprocess.Popen[bytes]:
    executable = str(Path(sys.executable).with_name("goldloop"))
    environment = {**os.environ, **environment_of(context.settings)}
    return subprocess.Popen(
        [executable, "worker", "predict"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill_at_work(shop: Shop, run: AutolabelRun, worker: subprocess.Popen[bytes]) -> AutolabelChunk:
    """Kill a worker with a chunk in its hands; returns the chunk."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for chunk in shop.chunks(run):
            folder = JobFolder(Path(chunk.folder))
            if folder.result() is not None or folder.progress() is None:
                continue
            worker.send_signal(signal.SIGSTOP)  # let nothing more happen while we look
            if folder.result() is None:
                worker.kill()
                worker.wait()
                return chunk
            worker.send_signal(signal.SIGCONT)
        autolabel.advance(shop.context, run.id)
        time.sleep(0.01)
    raise AssertionError("the worker was never seen at work")
