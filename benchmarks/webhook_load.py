"""Deliveries from several clients at once against the application under gunicorn: none may be lost.

50 a second for 60 seconds, each on a connection of its own as Label Studio's are, on SQLite and on
PostgreSQL, first with nothing else going on, then while `goldloop import` brings in 100,000
documents. Redis and a worker that handles the deliveries run as they would. A delivery's time is
counted from the moment at which it was due, so one that waited for another is not flattered.

Two figures, each the worst of the four: `lost`, deliveries that are not in the inbox afterwards,
and `p99_ms`. Everything listens on 127.0.0.1 and stops by itself.
"""

import argparse
import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pgserver
from sqlalchemy import func, select

from backend.commands.db import upgrade_database
from backend.db.session import Database, connect
from backend.db.tables import Account, Document, InboxEvent, InboxState
from backend.embedded import redis
from backend.settings import Settings
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.projects.create import create_project

CLIENTS, RATE = 10, 50.0  # deliveries a second, all clients together
BAR_LOST, BAR_P99 = 0, 150.0
KEY, USER = "load", 1
CONFIG = Path("annotation_configs/general.xml")
TEXTS = 500
GIVE_UP = 10.0  # seconds for one delivery; Label Studio itself would wait for one
GOLDLOOP = str(Path(sys.executable).with_name("goldloop"))


@dataclass
class Figures:
    """What the clients saw."""

    milliseconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[int(share * (len(ordered) - 1))] if ordered else float("inf")

    @property
    def p99(self) -> float:
        return self.quantile(0.99)


def main() -> int:
    """Measure the four situations and print the two figures; 1 when a bar is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--documents", type=int, default=100_000)
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    given = options.parse_args()
    lost, p99 = 0, 0.0
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.jsonl"
        goldloop("sample", "--documents", str(given.documents), "--out", str(corpus))
        for kind in [given.only] if given.only else ["sqlite", "postgresql"]:
            for importing in (False, True):
                home = Path(folder) / f"{kind}-{importing}"
                with ExitStack() as stack:
                    settings = new_settings(stack, home, kind)
                    figures, missing, note = measure(
                        stack, settings, given.seconds, corpus if importing else None
                    )
                situation = f"{kind}, {'importing' if importing else 'quiet'}"
                tell(
                    f"{situation}: {len(figures.milliseconds)} answered, {missing} lost, "
                    f"half {figures.quantile(0.5):.0f} ms, p99 {figures.p99:.0f} ms, "
                    f"longest {figures.quantile(1):.0f} ms; {note}"
                )
                for reason in figures.failed[:3]:
                    tell(f"  {reason}")
                lost, p99 = max(lost, missing), max(p99, figures.p99)
    return print_figures(lost, p99)


def print_figures(lost: int, p99: float) -> int:
    """One JSON object a line; 1 when a bar is missed."""
    figures = [("lost", lost, BAR_LOST, "deliveries"), ("p99_ms", round(p99, 1), BAR_P99, "ms")]
    for name, value, bar, unit in figures:
        print(
            json.dumps({"name": name, "value": value, "bar": bar, "unit": unit, "ok": value <= bar})
        )
    return 0 if all(value <= bar for _, value, bar, _ in figures) else 1


def new_settings(stack: ExitStack, home: Path, kind: str) -> Settings:
    """Settings of a fresh application on a fresh database."""
    home.mkdir()
    database_url = ""
    if kind == "postgresql":
        server = pgserver.get_server(home / "postgresql", cleanup_mode="delete")
        stack.callback(server.cleanup)
        database_url = server.get_uri()
    return Settings(
        _env_file=None,
        goldloop_home=home,
        database_url=database_url,
        label_studio_url="http://127.0.0.1:9",  # nobody is there, and nobody need be asked
        label_studio_api_key="none",
        secret_key=secrets.token_urlsafe(32),
        webhook_secret=secrets.token_urlsafe(32),
        admin_bind=f"127.0.0.1:{free_port()}",
        log_level="WARNING",
    )


def measure(
    stack: ExitStack, settings: Settings, seconds: float, corpus: Path | None
) -> tuple[Figures, int, str]:
    """Run one situation: what the clients saw, how many deliveries are lost, a remark."""
    upgrade_database(settings)
    database = connect(settings.database_address)
    stack.callback(database.engine.dispose)
    tasks = prepare(database)
    stack.enter_context(stopping(redis.start(settings, log=settings.goldloop_home / "redis.log")))
    stack.enter_context(running(settings, "admin"))
    stack.enter_context(running(settings, "worker", "default"))
    wait_for(settings)
    note = ""
    importer = None
    if corpus is not None:
        importer = start(settings, "import", KEY, str(corpus))
        stack.enter_context(stopping(importer))
        time.sleep(3)  # the command has begun to write
    figures = load(settings, tasks, seconds)
    if importer is not None:
        state = "still ran" if importer.poll() is None else f"had ended ({importer.returncode})"
        with database.read() as session:
            there = session.scalar(select(func.count()).select_from(Document))
        note = f"the import {state} with {there} documents in"
    with database.read() as session:
        stored = session.scalar(select(func.count()).select_from(InboxEvent)) or 0
        done = session.scalar(
            select(func.count()).select_from(InboxEvent).where(InboxEvent.state == InboxState.DONE)
        )
    sent = len(figures.milliseconds) + len(figures.failed)
    return figures, sent - stored, f"{done} handled already; {note}"


def prepare(database: Database) -> list[tuple[int, str]]:
    """A project whose documents have tasks, and an annotator that is known."""
    tasks = [(number, f"{number}번 문서: 김철수는 서울에 산다.") for number in range(1, TEXTS + 1)]
    with database.write() as session:
        project = create_project(session, KEY, "Load", CONFIG.read_text("utf-8"), by="x")
        session.add(
            Account(email="load@example.com", session_token="none", label_studio_user_id=USER)
        )
        session.add_all(
            Document(
                project_id=project.id,
                external_id=str(number),
                text=text,
                group_key=group_key(text),
                task_id=number,
                task_state="open",
            )
            for number, text in tasks
        )
    return tasks


def load(settings: Settings, tasks: list[tuple[int, str]], seconds: float) -> Figures:
    """Deliver at the given rate from several clients; each keeps to its own timetable."""
    figures, lock = Figures(), threading.Lock()
    total = int(seconds * RATE)
    bodies = [event(*tasks[number % len(tasks)], number) for number in range(total)]
    begin = time.perf_counter() + 0.5

    def client(first: int) -> None:
        for number in range(first, total, CLIENTS):
            due = begin + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            failure = deliver(settings, bodies[number])
            took = (time.perf_counter() - due) * 1000
            with lock:
                if failure:
                    figures.failed.append(failure)
                else:
                    figures.milliseconds.append(took)

    threads = [threading.Thread(target=client, args=(first,)) for first in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return figures


def deliver(settings: Settings, body: bytes) -> str | None:
    """Send one event as Label Studio does; why it failed, if it did."""
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {settings.webhook_secret.get_secret_value()}",
    }
    address = urlsplit(f"http://{settings.admin_bind}")
    connection = http.client.HTTPConnection(address.netloc, timeout=GIVE_UP)
    try:
        connection.request("POST", f"/webhooks/{KEY}", body, headers)
        answer = connection.getresponse()
        content = answer.read()
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return None if answer.status == 200 else f"{answer.status}: {content[:200]!r}"


def event(task: int, text: str, number: int) -> bytes:
    """A submission of five entities, in the form and of the size of the real ones."""
    time_now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{number % 10**6:06d}Z"
    regions = [
        {
            "id": f"r{n}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "origin": "manual",
            "value": {"start": n, "end": n + 1, "labels": ["PERSON"], "text": text[n : n + 1]},
        }
        for n in range(5)
    ]
    payload = {
        "action": "ANNOTATION_CREATED",
        "annotation": {
            "id": number + 1,
            "task": task,
            "project": 1,
            "completed_by": USER,
            "result": regions,
            "was_cancelled": False,
            "lead_time": 4.2,
            "created_at": time_now,
            "updated_at": time_now,
            "prediction": {},
            "parent_prediction": None,
        },
        "task": {"id": task, "data": {"text": text}, "project": 1},
        "project": {"id": 1, "title": "Load", "label_config": CONFIG.read_text("utf-8")},
    }
    return json.dumps(payload).encode()


def environment(settings: Settings) -> dict[str, str]:
    """The settings as a process is given them."""
    values = settings.model_dump(exclude_none=True)
    plain = {
        name.upper(): value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        for name, value in values.items()
    }
    return {**os.environ, **plain}


def start(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    """Start `goldloop …` with these settings; its output goes to a file in its home."""
    log = settings.goldloop_home / f"{arguments[0]}.log"
    with log.open("wb") as output:
        return subprocess.Popen(
            [GOLDLOOP, *arguments], env=environment(settings), stdout=output, stderr=output
        )


@contextmanager
def running(settings: Settings, *arguments: str) -> Iterator[None]:
    """A `goldloop …` process for as long as it is needed."""
    with stopping(start(settings, *arguments)):
        yield


@contextmanager
def stopping(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a process at the end."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(settings: Settings, seconds: float = 60) -> None:
    """Wait until the application answers."""
    deadline = time.monotonic() + seconds
    while True:
        connection = http.client.HTTPConnection(settings.admin_bind, timeout=2)
        try:
            connection.request("GET", "/health")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        finally:
            connection.close()


def goldloop(*arguments: str) -> None:
    """Run one command to its end."""
    subprocess.run([GOLDLOOP, *arguments], check=True, stdout=subprocess.DEVNULL)


def free_port() -> int:
    """A port on 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tell(line: str) -> None:
    """Details go beside the figures, not among them."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
