"""Freezing a run's gold: once, whoever comes twice, under a lease that is renewed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from backend.clients.queue import JobQueue
from backend.context import Context
from backend.db.leases import LeaseLostError, lease
from backend.db.session import Database
from backend.db.tables import Gold, GoldSource, Lease, Part, Run, now
from backend.loop import training
from backend.settings import Settings
from backend.workflow.versions import snapshot
from ml_backend.contract.snapshot import read_manifest
from tests.backend.workflow.loop_data import add_documents, add_gold, add_project


@pytest.fixture
def context(settings: Settings, database: Database) -> Context:
    return Context(settings, database, JobQueue(settings.redis_address))


def queued(database: Database) -> Run:
    with database.write() as session:
        project = add_project(session)
        for document in add_documents(session, project, [f"문서 {n}" for n in range(12)]):
            add_gold(session, document, source=GoldSource.IMPORTED, part=Part.TRAIN)
        run = Run(project_id=project.id, asked_by="x")
        session.add(run)
    return run


def fresh(database: Database, run: Run) -> Run:
    with database.read() as session:
        return session.get_one(Run, run.id)


def during_freeze(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Let something happen after the real freezing, before anything of it is noted."""
    freeze = snapshot.freeze

    def slow(*given: object) -> snapshot.Frozen:
        frozen = freeze(*given)
        happens()
        return frozen

    monkeypatch.setattr(snapshot, "freeze", slow)


def test_a_second_freeze_leaves_the_first_as_it_is(context: Context, database: Database):
    run = queued(database)
    with lease(database, "training-1") as held:
        training._prepare(context, held, run)
        first = fresh(database, run)
        request = Path(first.folder, "request.json").stat()
        with database.write() as session:
            session.query(Gold).first().entities = []
        training._prepare(context, held, run)  # as who read the run before the first was done
    again = fresh(database, run)
    assert (again.snapshot_digest, again.folder) == (first.snapshot_digest, first.folder)
    assert read_manifest(Path(first.folder, "snapshot")).digest == first.snapshot_digest
    assert Path(first.folder, "request.json").stat().st_ino == request.st_ino


def test_who_is_overtaken_while_freezing_notes_nothing(
    context: Context, database: Database, monkeypatch: pytest.MonkeyPatch
):
    run = queued(database)

    def rival() -> None:
        with database.write() as session:
            row = session.get_one(Run, run.id)
            row.snapshot_digest, row.folder = "the rival's", "elsewhere"

    during_freeze(monkeypatch, rival)
    with lease(database, "training-1") as held:
        training._prepare(context, held, run)
    found = fresh(database, run)
    assert (found.snapshot_digest, found.folder) == ("the rival's", "elsewhere")


def test_the_lease_is_renewed_before_and_after_freezing(
    context: Context, database: Database, monkeypatch: pytest.MonkeyPatch
):
    run = queued(database)
    left: list[timedelta] = []

    def expire() -> None:
        with database.write() as session:
            row = session.get_one(Lease, "training-1")
            left.append(row.until - now())
            row.until = now() - timedelta(seconds=1)

    with lease(database, "training-1") as held:
        expire()
        during_freeze(monkeypatch, expire)
        training._prepare(context, held, run)
        with lease(database, "training-1") as second:
            assert second is None  # still ours
    assert left[1] > timedelta(seconds=100)


def test_who_lost_the_lease_while_freezing_stops(
    context: Context, database: Database, monkeypatch: pytest.MonkeyPatch
):
    run = queued(database)

    def lose() -> None:
        with database.write() as session:
            session.get_one(Lease, "training-1").holder = "somebody else"

    during_freeze(monkeypatch, lose)
    with lease(database, "training-1") as held, pytest.raises(LeaseLostError):
        training._prepare(context, held, run)
    assert fresh(database, run).snapshot_digest == ""
