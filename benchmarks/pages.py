"""Every page of a large project, opened by ten curators at once.

525,659 documents with a million entities of gold, and what else pages_project.py makes: 30
versions, 100,000 annotations, 10,000 items in each queue. The application is the real one under
gunicorn, on SQLite and on PostgreSQL. Each of ten people signs in, opens a page that is drawn by
chance out of all that show something, reads it for a second, and opens the next. A page's time is
counted from the request to the last byte of the answer: the server's own time and the wait for
its turn.

Figures: the median and the 95th percentile over all pages, and those of the worst page. What each
page took goes to stderr.

    python benchmarks/pages.py --documents 20000 --only sqlite
"""

import argparse
import json
import random
import re
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from documents_corpus import write_corpus
from documents_place import KEY, Figure, Kind, Place, database_of, limit, tell
from flask import url_for
from pages_project import PASSWORD, PEOPLE, VERSIONS, address_of, fill
from sqlalchemy import select
from webhook_load import free_port, running, stopping, wait_for

from backend.admin.frame.permissions import ALLOWED
from backend.app import create_app
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import Role
from backend.db.tables_of_doubts import Doubt
from backend.embedded import redis
from backend.settings import Settings

DOCUMENTS = 525_659
BAR_MEDIAN, BAR_P95 = 150.0, 300.0  # ms
READING = 1.0  # seconds, on average, that somebody looks at a page
SAMPLES = 5  # pages of each kind of item
PAIRED = {"first", "second"}
Page = tuple[str, str]  # what kind of page, and its address
NOT_OPENED = {
    *("project.export", "models.download"),  # files: their size is the project's
    *("releases.compare", "releases.compare_live"),  # nothing to see without two releases
}


@dataclass
class Seen:
    """What the people saw: milliseconds by kind of page."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> int:
    """Measure both databases and print the figures; 1 when a bar is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--documents", type=int, default=DOCUMENTS)
    options.add_argument("--seconds", type=float, default=300)
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    options.add_argument("--folder", type=Path, help="keeps corpus and databases for another run")
    given = options.parse_args()
    ok = True
    with tempfile.TemporaryDirectory() as temporary:
        place = Place(given.folder or Path(temporary), given.documents)
        place.folder.mkdir(parents=True, exist_ok=True)
        if not place.corpus.exists():
            tell(f"writing {given.documents:,} documents")
            write_corpus(place.corpus, given.documents)
        for kind in [given.only] if given.only else ["sqlite", "postgresql"]:
            for figure in figures(place, kind, given.seconds):
                ok &= figure["ok"]
                print(json.dumps(figure), flush=True)
        place.close()
    return 0 if ok else 1


def figures(place: Place, kind: Kind, seconds: float) -> Iterator[Figure]:
    """The pages on one kind of database."""
    given = place.imported(kind).model_dump(exclude_none=True)
    settings = Settings(
        _env_file=None,
        **{
            **given,
            "secret_key": "s" * 32,
            "webhook_secret": "w" * 32,
            "admin_bind": f"127.0.0.1:{free_port()}",
            "log_level": "WARNING",
        },
    )
    fill(database_of(settings), place)
    with ExitStack() as stack:
        server = redis.start(settings, log=settings.goldloop_home / "redis.log")
        stack.enter_context(stopping(server))
        stack.enter_context(running(settings, "admin"))
        wait_for(settings)
        seen = visit(settings, pages(settings), seconds)
    for reason in seen.failed[:5]:
        tell(f"  {reason}")
    medians = {page: statistics.median(took) for page, took in seen.milliseconds.items()}
    p95s = {page: p95(took) for page, took in seen.milliseconds.items()}
    for page, slow in sorted(p95s.items(), key=lambda one: -one[1]):
        times = len(seen.milliseconds[page])
        tell(f"  median {medians[page]:6.1f} ms, p95 {slow:6.1f} ms, {times:4d} times: {page}")
    every = [one for took in seen.milliseconds.values() for one in took]
    counts = {"documents": place.documents, "opened": len(every), "failed": len(seen.failed)}
    yield limit(f"pages_median_{kind}", statistics.median(every), BAR_MEDIAN, "ms", **counts)
    yield limit(f"pages_p95_{kind}", p95(every), BAR_P95, "ms")
    yield limit(f"pages_slowest_median_{kind}", max(medians.values()), BAR_MEDIAN, "ms")
    yield limit(f"pages_slowest_p95_{kind}", max(p95s.values()), BAR_P95, "ms")
    yield limit(f"pages_failed_{kind}", len(seen.failed), 0, "pages")


def p95(took: Sequence[float]) -> float:
    """What 95 of a hundred stayed under."""
    return sorted(took)[int(0.95 * (len(took) - 1))]


def pages(settings: Settings) -> list[Page]:
    """The address of every page of the project that shows something; some of each kind of item."""
    app = create_app(settings)
    samples = samples_of(database_of(settings))
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            name = rule.endpoint
            role = ALLOWED.get(name)
            if (
                not isinstance(role, Role)
                or "GET" not in (rule.methods or ())
                or name in NOT_OPENED
            ):
                continue
            for one in samples if rule.arguments - {"key"} else samples[:1]:
                wanted = rule.arguments | (PAIRED if name == "models.compare" else set())
                if wanted <= one.keys():
                    found.append((name, url_for(name, **{it: one[it] for it in wanted})))
    return found


def samples_of(database: Database) -> list[dict[str, Any]]:
    """What the addresses of pages name, of several documents, versions and doubts."""
    with database.read() as session:
        project_id = project_by_key(session, KEY).id
        items = session.execute(
            select(Doubt.id, Doubt.document_id)
            .where(Doubt.project_id == project_id)
            .order_by(Doubt.rank)
            .limit(SAMPLES)
        ).all()
    names = [f"v{VERSIONS - number}" for number in range(SAMPLES)]
    return [
        {
            "key": KEY,
            "doubt_id": doubt,
            "document_id": document,
            "version": name,
            "first": name,
            "second": "v1",
            "start": 0,
            "stop": 2,
        }
        for (doubt, document), name in zip(items, names, strict=True)
    ]


def visit(settings: Settings, pages: Sequence[Page], seconds: float) -> Seen:
    """Let people open pages at once for some time; what they saw."""
    seen = Seen()
    opened = [sign_in(settings, number) for number in range(PEOPLE)]
    for _, address in pages:  # a template is compiled when it is first wanted
        opened[0].get(address)
    addresses = defaultdict(list)
    for kind, address in pages:
        addresses[kind].append(address)
    until = time.perf_counter() + seconds

    def person(number: int, web: httpx.Client) -> None:
        rng = random.Random(number)
        while time.perf_counter() < until:
            kind = rng.choice(list(addresses))
            address = rng.choice(addresses[kind])
            began = time.perf_counter()
            answer = web.get(address)
            took = (time.perf_counter() - began) * 1000
            with seen.lock:
                seen.milliseconds[kind].append(took)
                if answer.status_code != 200:
                    seen.failed.append(f"{address}: {answer.status_code}")
            time.sleep(rng.uniform(0.5, 1.5) * READING)

    threads = [threading.Thread(target=person, args=one) for one in enumerate(opened)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for web in opened:
        web.close()
    return seen


def sign_in(settings: Settings, number: int) -> httpx.Client:
    """The browser of one of the people, signed in."""
    web = httpx.Client(base_url=f"http://{settings.admin_bind}", timeout=60)
    token = re.search(r'name="csrf_token" value="([^"]+)"', web.get("/login").text)
    assert token, "the page of signing in has no form"
    given = {"email": address_of(number), "password": PASSWORD, "csrf_token": token[1]}
    answer = web.post("/login", data=given)
    assert answer.status_code in (302, 303), answer.text
    return web


if __name__ == "__main__":
    raise SystemExit(main())
