"""Every page of a large project, opened by ten curators at once.

525,659 documents with a million entities of gold, 10,000 documents without gold in the autolabel
queue, and 30 versions. The application is the real one under gunicorn, on SQLite and on
PostgreSQL. Each of ten people signs in, opens a page that is drawn by chance, reads it for a
second, and opens the next. A page's time is counted from the request to the last byte of the
answer: the server's own time and the wait for its turn.

Figures: the median and the 95th percentile over all pages, and the worst page's median. What each
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
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
from documents_corpus import write_corpus
from documents_place import KEY, Figure, Kind, Place, database_of, limit, tell
from sqlalchemy import select
from webhook_load import free_port, running, stopping, wait_for

from backend.admin.navigation import SECTIONS
from backend.app import create_app
from backend.db.accounts import add_account
from backend.db.autolabels import without_item
from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.db.tables import Account, Project, Role, Run, RunState, Version, VersionState, now
from backend.db.versions import locked_project
from backend.embedded import redis
from backend.loop.copies import sort_copies
from backend.loop.import_files import import_file
from backend.loop.survey import take_survey
from backend.sample.generate import generate
from backend.settings import Settings
from backend.workflow.autolabel_items import STORED_AT_ONCE, Proposal, store
from backend.workflow.gate import decide
from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument

DOCUMENTS, ITEMS, VERSIONS, PEOPLE = 525_659, 10_000, 30, 10
BAR_MEDIAN, BAR_P95 = 150.0, 300.0  # ms
READING = 1.0  # seconds, on average, that somebody looks at a page
PASSWORD = "benchmark-only-password"


@dataclass
class Seen:
    """What the people saw: milliseconds by page."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> int:
    """Measure both databases and print the figures; 1 when a bar is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--documents", type=int, default=DOCUMENTS)
    options.add_argument("--seconds", type=float, default=40)
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
    for page, median in sorted(medians.items(), key=lambda one: -one[1]):
        took = seen.milliseconds[page]
        tell(f"  {median:7.1f} ms, longest {max(took):7.1f} ms, {len(took):4d} times: {page}")
    every = sorted(one for took in seen.milliseconds.values() for one in took)
    p95 = every[int(0.95 * (len(every) - 1))]
    counts = {"documents": place.documents, "opened": len(every), "failed": len(seen.failed)}
    yield limit(f"pages_median_{kind}", statistics.median(every), BAR_MEDIAN, "ms", **counts)
    yield limit(f"pages_p95_{kind}", p95, BAR_P95, "ms")
    yield limit(f"pages_slowest_median_{kind}", max(medians.values()), BAR_MEDIAN, "ms")
    yield limit(f"pages_failed_{kind}", len(seen.failed), 0, "pages")


def pages(settings: Settings) -> list[str]:
    """The addresses of a project's sections, and of the list of projects."""
    app = create_app(settings)
    with app.test_request_context():
        rules = {rule.endpoint: rule for rule in app.url_map.iter_rules()}
        found = [
            rules[endpoint].rule.replace("<key>", KEY)
            for endpoint, _title in SECTIONS.values()
            if endpoint in rules
        ]
    return ["/", *found]


def visit(settings: Settings, addresses: list[str], seconds: float) -> Seen:
    """Let people open pages at once for some time; what they saw."""
    seen = Seen()
    opened = [sign_in(settings, number) for number in range(PEOPLE)]
    for address in addresses:  # a template is compiled when it is first wanted
        opened[0].get(address)
    until = time.perf_counter() + seconds

    def person(number: int, web: httpx.Client) -> None:
        rng = random.Random(number)
        while time.perf_counter() < until:
            address = rng.choice(addresses)
            began = time.perf_counter()
            answer = web.get(address)
            took = (time.perf_counter() - began) * 1000
            with seen.lock:
                seen.milliseconds[address].append(took)
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


def address_of(number: int) -> str:
    return f"curator-{number}@example.com"


def fill(database: Database, place: Place) -> None:
    """Bring in what else there is: people, copies sorted, the queue, versions, a survey."""
    with database.write() as session:
        if session.scalar(select(Account.id).limit(1)):
            return  # by an earlier run
        for number in range(PEOPLE):
            role = Role.CURATOR
            add_account(session, address_of(number), role=role, password=PASSWORD, name="큐레이터")
    tell("sorting copies, filling the queue")
    unlabelled = place.folder / "pool.jsonl"
    with unlabelled.open("wb") as file:
        for one in generate(ITEMS, seed=1):
            record = {"id": f"pool-{one.id}", "text": f"{one.text} ({one.id})"}
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    import_file(database, KEY, unlabelled, None)
    with database.write() as session:
        project_id = project_by_key(session, KEY).id
    sort_copies(database, project_id)
    versions(database, project_id)
    queue(database, project_id)
    take_survey(database, project_id)


def versions(database: Database, project_id: int) -> None:
    """So many versions that were judged in turn, the last one served."""
    rng, champion = random.Random(0), None
    with database.write() as session:
        project = locked_project(session, project_id)
        held_out = judged_on(rng, project.labels)
        for number in range(1, VERSIONS + 1):
            skill = 0.5 + 0.4 * number / VERSIONS
            tagged = [[one for one in it.entities if rng.random() < skill] for it in held_out]
            decision = decide(held_out, champion, tagged, settings_of(project))
            served = number == VERSIONS
            state = VersionState.CHAMPION if served else VersionState.RETIRED
            version = Version(project_id=project_id, name=f"v{number}", state=state)
            session.add(version)
            session.flush()
            session.add(
                Run(
                    project_id=project_id,
                    version_id=version.id,
                    state=RunState.PROMOTED,
                    asked_by="threshold",
                    reason=decision.reason,
                    gate=decision.numbers,
                    finished_at=now(),
                )
            )
            champion, project.champion_id = tagged, version.id


def judged_on(rng: random.Random, labels: list[str]) -> list[GoldDocument]:
    """Held-out gold of every label."""
    made = []
    for number in range(500):
        names = rng.choices(labels, k=4)
        entities = [Entity(10 * at, 10 * at + 3, name) for at, name in enumerate(names)]
        made.append(GoldDocument(str(number), str(number), "가" * 60, entities))
    return made


def queue(database: Database, project_id: int) -> None:
    """The champion's proposals for documents without gold, none accepted yet."""
    rng = random.Random(1)
    after, stored = 0, 0
    while stored < ITEMS:
        with database.write() as session:
            project = locked_project(session, project_id)
            version = session.get_one(Version, project.champion_id)
            found = without_item(session, project_id, version.id, after=after, limit=STORED_AT_ONCE)
            if not found:
                return
            proposals = [
                Proposal(number, proposed(rng, text, project), round(rng.random(), 4))
                for number, text in found
            ]
            store(session, project, version, None, proposals, "run 1", now())
        after, stored = found[-1][0], stored + len(found)


def proposed(rng: random.Random, text: str, project: Project) -> list[dict[str, object]]:
    """Up to two entities somewhere in a text."""
    ends = sorted(rng.sample(range(len(text) + 1), k=min(4, len(text) // 2 * 2)))
    spans = zip(ends[::2], ends[1::2], strict=True)
    return [
        {"start": start, "end": end, "label": rng.choice(project.labels), "p": 0.9}
        for start, end in spans
    ]


if __name__ == "__main__":
    raise SystemExit(main())
