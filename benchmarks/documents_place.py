"""Where the rows of documents.py work: the corpus, a database of each kind, and the timing."""

import gc
import multiprocessing
import resource
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pgserver

from backend.commands.db import upgrade_database
from backend.db.session import Database, connect
from backend.settings import Settings
from backend.workflow.projects.create import create_project

KEY = "bench"
CONFIG = Path("annotation_configs/general.xml")

Kind = Literal["sqlite", "postgresql"]
Figure = dict[str, Any]


@dataclass
class Place:
    """A folder with the corpus of so many documents and the databases made of it."""

    folder: Path
    documents: int
    servers: list[Any] = field(default_factory=list)

    @property
    def corpus(self) -> Path:
        return self.folder / f"corpus-{self.documents}.jsonl"

    def home(self, kind: Kind, name: str) -> Path:
        return self.folder / f"{kind}-{self.documents}-{name}"

    def settings(self, kind: Kind, name: str = "imported", *, fresh: bool = False) -> Settings:
        """The settings of one database; `fresh` makes it anew, with a project and nothing else."""
        home = self.home(kind, name)
        if kind == "sqlite":
            if fresh:
                shutil.rmtree(home, ignore_errors=True)
            settings = Settings(_env_file=None, goldloop_home=home, database_url="")
        else:
            server = self._server()
            if fresh:
                for command in (f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}"):
                    server.psql(command)
            address = server.get_uri(name)
            settings = Settings(_env_file=None, goldloop_home=home, database_url=address)
        home.mkdir(parents=True, exist_ok=True)
        upgrade_database(settings)  # one that was kept may be of an earlier day
        if fresh:
            with connect(settings.database_address).write() as session:
                create_project(session, KEY, "Benchmark", CONFIG.read_text("utf-8"), by="x")
        return settings

    def imported(self, kind: Kind) -> Settings:
        """The database that holds the corpus; imported now when nobody has done it."""
        if not (self.home(kind, "imported") / "done").exists():
            import documents_import  # noqa: PLC0415 - it measures by this module

            list(documents_import.import_row(self, kind))
        return self.settings(kind)

    def _server(self) -> Any:
        if not self.servers:
            folder = self.folder / "postgresql"
            self.servers.append(pgserver.get_server(folder, cleanup_mode="stop"))
        return self.servers[0]

    def close(self) -> None:
        for server in self.servers:
            with suppress(Exception):
                server.cleanup()


@dataclass(frozen=True)
class Measured:
    """What a function took in a process of its own, and what it returned.

    `peak` is the memory of that process and of the largest one that it started, in MB.
    """

    seconds: float
    peak: float
    result: Any


def alone(work: Callable[..., Any], *arguments: Any) -> Measured:
    """Run a function of a module in a new process; it calls `timed` around what counts."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:  # whose processes may start others
        return Measured(*pool.submit(_measured, work, arguments).result())


@dataclass
class Timer:
    """Seconds between `start` and `stop`."""

    seconds: float = 0.0
    _began: float = 0.0

    def __enter__(self) -> "Timer":
        gc.collect()
        self._began = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds += time.perf_counter() - self._began


def _measured(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[float, float, Any]:
    timer = Timer()
    result = work(timer, *arguments)
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = sum(resource.getrusage(one).ru_maxrss for one in both) / 1024
    return timer.seconds, peak, result


def database_of(settings: Settings) -> Database:
    return connect(settings.database_address)


def ratio(name: str, ours: float, bare: float, bar: float, **more: Any) -> Figure:
    """A figure: our seconds to the bare work's."""
    value = round(ours / bare, 2)
    return {
        "name": name,
        "value": value,
        "bar": bar,
        "unit": "ratio",
        "ok": value <= bar,
        "ours_s": round(ours, 2),
        "bare_s": round(bare, 2),
        **more,
    }


def limit(name: str, value: float, bar: float, unit: str, **more: Any) -> Figure:
    """A figure that stands for itself."""
    value = round(value, 2)
    return {"name": name, "value": value, "bar": bar, "unit": unit, "ok": value <= bar, **more}


def tell(line: str) -> None:
    """Details go beside the figures, not among them."""
    print(line, file=sys.stderr, flush=True)
