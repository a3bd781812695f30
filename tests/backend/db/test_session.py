"""Transactions: on SQLite a writer that reads first is not thrown out by another writer."""

import fcntl
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from backend.db.session import connect
from backend.db.tables import Project
from backend.errors import DatabaseBusyError


def project(key: str) -> Project:
    return Project(key=key, name=key, label_config="<View/>", labels=[])


def test_read_then_write_under_concurrent_writers_counts_every_one(any_database):
    with any_database.write() as session:
        session.add(project("counted"))

    def count_up():
        for _ in range(20):
            with any_database.write() as session:
                found = session.scalars(select(Project).with_for_update()).one()
                time.sleep(0.001)
                found.gold_revision += 1

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_database.read() as session:
        assert session.scalars(select(Project.gold_revision)).one() == 80


def test_a_deferred_transaction_would_have_failed(database):
    """What the rule guards against, seen to happen: the test above can fail."""
    with database.write() as session:
        session.add(project("fought-over"))
    deferred = database.read  # begins without IMMEDIATE
    with deferred() as slow:
        slow.scalars(select(Project)).one()
        with database.write() as quick:
            quick.scalars(select(Project)).one().name = "changed between"
        with pytest.raises(OperationalError, match="locked"):
            slow.execute(text("UPDATE projects SET name = 'too late'"))


def test_readers_do_not_wait_for_a_writer(database):
    with database.write() as session:
        session.add(project("seen"))
        session.flush()
        with database.read() as other:
            assert other.scalars(select(Project)).all() == []


def test_an_exception_rolls_back(any_database):
    def fail():
        with any_database.write() as session:
            session.add(project("never"))
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with any_database.read() as session:
        assert session.scalars(select(Project)).all() == []


def test_sqlite_is_in_wal_mode_and_keeps_references(database):
    with database.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA synchronous")) == 2


def test_the_folder_of_a_new_sqlite_is_made(tmp_path):
    engine = connect(f"sqlite:///{tmp_path}/new/folder/x.db").engine
    with engine.connect():
        assert (tmp_path / "new" / "folder" / "x.db").exists()
    engine.dispose()


def test_the_log_begins_anew_between_the_chunks_of_long_work(database, monkeypatch):
    monkeypatch.setattr("backend.db.session.LOG_TIDIED", 20)
    monkeypatch.setattr("backend.db.session.LOG_LONGEST", 0)  # no commit moves it
    log = database.turns.with_name("goldloop.db-wal")
    lengths = [0]
    with database.tidying() as tidy:
        while lengths[-1] >= lengths[-2:][0] and len(lengths) < 5000:
            with database.write(hasty=True) as session:
                session.add(project(f"p{len(lengths)}"))
            tidy()
            lengths.append(log.stat().st_size)
    assert lengths[-1] < lengths[-2]
    with database.read() as session:
        assert len(session.scalars(select(Project)).all()) == len(lengths) - 1


def test_an_interrupted_chunk_leaves_nothing_that_tidies(database, monkeypatch):
    monkeypatch.setattr("backend.db.session.LOG_TIDIED", 0)
    before = threading.active_count()

    def interrupted():
        with database.tidying() as tidy:
            with database.write() as session:
                session.add(project("kept"))
            tidy()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert threading.active_count() == before
    with database.read() as session:
        assert session.scalars(select(Project.key)).all() == ["kept"]


def test_a_transaction_inside_a_transaction_is_refused_at_once(database):
    with (
        database.write(),
        pytest.raises(RuntimeError, match="inside a transaction"),
        database.write(),
    ):
        pass
    with database.write() as session:  # the turn was given up
        session.add(project("after"))


HOLD = """
import fcntl, sys
file = open(sys.argv[1], "ab")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def rival(database):
    """Another process that has the turn until its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database.turns)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.stdin.close()
    process.wait(10)
    process.stdout.close()


def test_a_writer_gives_up_on_a_rival_that_does_not_end(database, rival, monkeypatch):
    monkeypatch.setattr("backend.db.session.BUSY_TIMEOUT", 0.3)
    with pytest.raises(DatabaseBusyError, match=r"writing for 0\.3 seconds"), database.write():
        pass
    with database.read() as session:
        assert session.scalars(select(Project)).all() == []  # who reads does not wait
    rival.stdin.close()
    rival.wait(10)
    monkeypatch.setattr("backend.db.session.BUSY_TIMEOUT", 5)
    for key in ("a", "b"):  # the turn that came too late was given back
        with database.write() as session:
            session.add(project(key))


def test_a_writer_goes_on_when_a_rival_dies(database, rival):
    threading.Timer(0.3, rival.kill).start()
    with database.write() as session:
        session.add(project("after"))
    with database.read() as session:
        assert session.scalars(select(Project.key)).all() == ["after"]


def test_who_writes_in_a_row_lets_those_who_wait_come_in_between(database):
    order = []

    def write_once():
        with database.write():
            order.append("waited")

    waiting = threading.Thread(target=write_once)
    turnstile = database.turns.with_name(f"{database.turns.name}-next").open("ab")
    for number in range(3):
        with database.write():
            order.append(number)
            if number == 1:
                waiting.start()
                while free(turnstile):
                    time.sleep(0.001)
    waiting.join()
    assert order == [0, 1, "waited", 2]
    turnstile.close()


def free(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True


@pytest.mark.real
def test_postgresql_plans_each_statement_anew(postgresql_url: str) -> None:
    opened = connect(postgresql_url)
    with opened.read() as session:
        for number in range(10):
            session.execute(text("SELECT id FROM documents WHERE id = :id"), {"id": number})
        assert session.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0
    opened.engine.dispose()


def test_hasty_transactions_do_not_wait_for_the_disk_and_others_still_do(any_database):
    asked = "PRAGMA synchronous" if any_database.turns else "SHOW synchronous_commit"
    seen = []
    for hasty in (False, True, False, True):
        with any_database.write(hasty=hasty) as session:
            seen.append(session.scalar(text(asked)))
            session.add(project(f"p{len(seen)}"))
    durable, hasty = (2, 1) if any_database.turns else ("on", "off")
    assert seen == [durable, hasty, durable, hasty]
    any_database.settle()
    with any_database.read() as session:
        assert session.scalar(text(asked)) == durable
        assert len(session.scalars(select(Project)).all()) == 4
