"""Connections and transactions, on SQLite and PostgreSQL alike."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, sessionmaker

from backend.db.turns import end_turn, take_turn
from backend.db.unspoken import keep_values_unspoken

BUSY_TIMEOUT = 30.0  # seconds that a writer waits for another

PAGE = 4096  # bytes of SQLite's
LOG_TIDIED, LOG_LONGEST = 16000, 40000  # pages: `tidying` makes it short, or else a commit
CACHE = 64  # MiB a connection: keys come in no order, each on a page of its own

_writing = threading.local()  # whose turn this thread has, in `turns`


@dataclass(frozen=True, slots=True)
class Database:
    """One engine and the two ways to use it.

    On SQLite every writing transaction begins IMMEDIATE: one that reads first and writes later
    fails at once when another writer came between, whatever the time-out.
    """

    engine: Engine
    turns: Path | None = None  # the file whose lock writers take, on SQLite

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads; nothing is committed."""
        with self._session(writes=False) as session:
            yield session

    @contextmanager
    def write(self, *, hasty: bool = False) -> Iterator[Session]:
        """A session whose transaction is committed at the end, or rolled back by an exception.

        A hasty one does not wait for the disk: a power cut may take it back, whole, with those
        after it. It is for work in many transactions that can be done again; `settle` ends it.
        """
        with self._turn(), self._session(writes=True, hasty=hasty) as session, session.begin():
            if hasty and self.engine.dialect.name == "postgresql":
                session.execute(text("SET LOCAL synchronous_commit TO off"))
            yield session

    def settle(self) -> None:
        """Wait until what hasty transactions wrote is on the disk.

        PostgreSQL sees to that by itself, in less than a second.
        """
        if (log := self._log()) is not None and log.exists():
            with log.open("rb") as file:
                os.fsync(file.fileno())

    @contextmanager
    def tidying(self) -> Iterator[Callable[[], None]]:
        """What moves SQLite's log into the database when it has grown, to be called between the
        chunks of long work, outside of any turn: those who write meanwhile do not wait for it.

        Most of it is moved while the next chunks are written. The log can begin anew once all of
        it is moved: what was written meanwhile is, before another chunk.
        """
        log, beside, moving = self._log(), ThreadPoolExecutor(1), None

        def tidy() -> None:
            nonlocal moving
            if moving is None:
                if log and log.exists() and log.stat().st_size >= LOG_TIDIED * PAGE:
                    moving = beside.submit(self._move_log)
            elif moving.done():
                moving.result()
                moving = None
                self._move_log()

        with beside:
            yield tidy

    def _move_log(self) -> None:
        with closing(self.engine.raw_connection()) as connection:  # it must be in no transaction
            connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")

    def survey(self) -> None:
        """Let PostgreSQL look how large its documents and gold have become; SQLite need not know.

        It does by itself once a minute. What has grown since looks small to it: it reads all of a
        project where one index would do. Called in no transaction.
        """
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect() as connection, connection.begin():
                connection.execute(text("ANALYZE documents, gold"))

    def _log(self) -> Path | None:
        """SQLite's log: the file that holds what was committed until it is in the database."""
        return self.turns and self.turns.with_name(f"{self.turns.name.removesuffix('-turns')}-wal")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for one's turn to write, on SQLite.

        Its own waiters look again at growing intervals, and the webhook would find the lock taken
        each time; the kernel wakes those who wait for a file's lock when it is let go, and one who
        writes in a row lets those who wait come in between (turns.py).
        Raises DatabaseBusyError after BUSY_TIMEOUT.
        """
        if self.turns is None:
            yield
            return
        outer = getattr(_writing, "turns", None)
        if outer == self.turns:
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        file = take_turn(self.turns, BUSY_TIMEOUT)
        _writing.turns = self.turns
        try:
            yield
        finally:
            _writing.turns = outer
            end_turn(file)

    def _session(self, *, writes: bool, hasty: bool = False) -> Session:
        engine = self.engine.execution_options(goldloop_writes=writes, goldloop_hasty=hasty)
        return sessionmaker(engine, expire_on_commit=False)()


def connect(address: str) -> Database:
    """Open a database by its SQLAlchemy address; nothing is created but SQLite's folder.

    Errors do not repeat the values of a statement: those are texts and secrets.
    """
    url = make_url(address)
    if url.get_backend_name() != "sqlite":
        # A statement that the server keeps prepared keeps its plan too: one that was made while a
        # table was small reads all of it for ever after.
        plainly = {"prepare_threshold": None}
        engine = create_engine(url, connect_args=plainly, pool_pre_ping=True, hide_parameters=True)
        keep_values_unspoken(engine)
        return Database(engine)
    turns = None
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        turns = Path(f"{url.database}-turns")
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT}, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return Database(engine, turns)


def lacks_tables(error: Exception) -> bool:
    """Whether a statement failed because a table or a column that we know is not there."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)  # PostgreSQL's, 13.A of its manual
    return state in ("42P01", "42703") or str(error.orig).startswith("no such ")


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # transactions begin below, not inside the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")  # an answered webhook survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA wal_autocheckpoint={LOG_LONGEST}")
    cursor.execute("PRAGMA journal_size_limit=0")  # the log's size says what is in it
    cursor.execute(f"PRAGMA cache_size={-CACHE * 1024}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    hasty, writes = options.get("goldloop_hasty", False), options.get("goldloop_writes", True)
    if hasty != connection.info.get("hasty", False):
        connection.exec_driver_sql(f"PRAGMA synchronous={'NORMAL' if hasty else 'FULL'}")
        connection.info["hasty"] = hasty
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
