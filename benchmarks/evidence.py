"""How long a page of evidence takes among 100,000 gold entities, on SQLite and PostgreSQL.

Gold are three real corpora (kmounlp, cluener, klp2016): 107,000 entities of 43,000 different
strings. 300 more documents of kmounlp have a version's suggestions, their own gold with one
boundary of four moved, and of 3,000 gold documents people have rejected one. The page is the
application's own, asked by somebody who is signed in: from the request to the last byte, every
document once, in a random order, after one page that compiles the template.

    python benchmarks/evidence.py [--corpora FOLDER] [--only sqlite]
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from documents_place import KEY, Figure, Kind, Place, limit, tell
from sqlalchemy import insert, select

from backend.app import create_app
from backend.db.accounts import add_account
from backend.db.bulk import insert_rows
from backend.db.gold import NewGold, put_gold
from backend.db.projects import project_by_key
from backend.db.session import Database, connect
from backend.db.tables import (
    AnnotationState,
    Document,
    GoldSource,
    Prediction,
    Role,
    TaskState,
    Version,
    now,
)
from backend.db.versions import locked_project
from backend.loop.mentions import read_all
from backend.settings import Settings
from backend.workflow.correct import Changes
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.evidence import rejections
from ml_backend.contract.entity import Entity
from ml_backend.contract.messages import read_jsonl

CORPORA = ("kmounlp", "cluener", "klp2016")
SHOWN, REJECTED = 300, 3000  # documents
CHUNK = 1000
BAR = 50.0  # ms, the median page
PASSWORD = "benchmark-only-password"


def main() -> int:
    """Measure both databases and print the figures; 1 when a bar is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    options.add_argument("--only", choices=["sqlite", "postgresql"])
    given = options.parse_args()
    records = [
        record
        for corpus in CORPORA
        for record in read_jsonl(given.corpora / f"{corpus}-train.jsonl")
    ]
    ok = True
    with tempfile.TemporaryDirectory() as temporary:
        place = Place(Path(temporary), len(records))
        kinds: list[Kind] = [given.only] if given.only else ["sqlite", "postgresql"]
        for kind in kinds:
            for figure in figures(place, kind, records):
                ok &= figure["ok"]
                print(json.dumps(figure), flush=True)
        place.close()
    return 0 if ok else 1


def figures(place: Place, kind: Kind, records: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    """Reading the gold, and the pages, on one kind of database."""
    settings = place.settings(kind, "evidence", fresh=True)
    database = connect(settings.database_address)
    numbers = fill(database, records)
    entities = sum(len(record["entities"]) for record in records[SHOWN:])
    database.survey()
    with database.read() as session:
        project_id = project_by_key(session, KEY).id
    began = time.perf_counter()
    read_all(database, project_id)
    tell(f"{kind}: {entities:,} entities of gold read in {time.perf_counter() - began:.1f} s")
    if kind == "postgresql":
        with database.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("ANALYZE")
    took = sorted(visit(settings, numbers))
    suggested = sum(len(record["entities"]) for record in records[:SHOWN]) / SHOWN
    counts = {"entities": entities, "suggestions": round(suggested, 1)}
    yield limit(f"evidence_page_{kind}", statistics.median(took), BAR, "ms", **counts)
    tell(f"{kind}: 95th percentile {took[int(0.95 * (len(took) - 1))]:.1f} ms")


def fill(database: Database, records: Sequence[dict[str, Any]]) -> list[int]:
    """Make documents, gold, suggestions and rejections; the documents that have suggestions."""
    with database.write() as session:
        project = locked_project(session, project_by_key(session, KEY).id)
        version = Version(project_id=project.id, name="v1")
        session.add(version)
        session.flush()
        project.champion_id = version.id
        session.execute(
            insert(Document),
            [
                {
                    "id": number,
                    "project_id": project.id,
                    "external_id": f"document-{number}",
                    "text": record["text"],
                    "group_key": group_key(record["text"]),
                    "deduped": True,
                    "task_id": number,
                    "task_state": TaskState.OPEN if number <= SHOWN else TaskState.DONE,
                }
                for number, record in enumerate(records, start=1)
            ],
        )
        if database.engine.dialect.name == "postgresql":
            session.connection().exec_driver_sql(
                f"SELECT setval('documents_id_seq', {len(records)})"
            )
        _suggest(session, version.id, records[:SHOWN])
        for start in range(SHOWN, len(records), CHUNK):
            project.gold_revision += 1
            rows = [
                NewGold(
                    number + 1,
                    _entities(records[number]),
                    GoldSource.IMPORTED,
                    project.gold_revision,
                    now(),
                )
                for number in range(start, min(start + CHUNK, len(records)))
            ]
            put_gold(session, project, rows)
        _reject(session, project.id, records)
        add_account(session, "curator@example.com", role=Role.CURATOR, password=PASSWORD)
    return list(range(1, SHOWN + 1))


def visit(settings: Settings, numbers: Sequence[int]) -> list[float]:
    """Open each document's page once; the milliseconds."""
    given = settings.model_dump(exclude_none=True) | {
        "secret_key": "s" * 32,
        "webhook_secret": "w" * 32,
    }
    app = create_app(Settings(_env_file=None, **given))
    client = app.test_client()
    form = client.get("/login").text
    token = form.split('name="csrf_token" value="')[1].split('"')[0]
    sent = {"email": "curator@example.com", "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", data=sent).status_code in (302, 303)
    client.get(f"/projects/{KEY}/evidence/{numbers[0]}")
    took = []
    for number in random.Random(7).sample(numbers, len(numbers)):
        began = time.perf_counter()
        answer = client.get(f"/projects/{KEY}/evidence/{number}")
        assert answer.status_code == 200, answer.text[:300]
        len(answer.data)
        took.append(1000 * (time.perf_counter() - began))
    return took


def _entities(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: one[name] for name in ("start", "end", "label")} for one in record["entities"]]


def _suggest(session: Any, version_id: int, records: Sequence[dict[str, Any]]) -> None:
    rng = random.Random(1)
    columns = ("document_id", "version_id", "entities", "confidence", "created_at")
    rows = []
    for number, record in enumerate(records, start=1):
        said = _entities(record)
        for one in said:
            one["probability"] = rng.random()
            one["runner_up"] = {"label": one["label"], "probability": 0.1}
            if rng.random() < 0.25 and one["end"] - one["start"] > 1:
                one["end"] -= 1
        rows.append((number, version_id, said, 0.5, now()))
    insert_rows(session, Prediction, columns, rows)


def _reject(session: Any, project_id: int, records: Sequence[dict[str, Any]]) -> None:
    """One entity of some documents was removed there: people said so by their annotation."""
    rng = random.Random(2)
    with_some = [at for at in range(SHOWN, len(records)) if records[at]["entities"]]
    for at in rng.sample(with_some, REJECTED):
        session.add(
            AnnotationState(
                project_id=project_id,
                document_id=at + 1,
                annotation_id=at + 1,
                updated_at=now(),
                status="submitted",
                version_name="v0",
            )
        )
    session.flush()
    for state in session.scalars(select(AnnotationState)).all():
        record = records[state.document_id - 1]
        one = rng.choice(record["entities"])
        gone = Entity(one["start"], one["end"], one["label"])
        rejections.keep(session, state, record["text"], Changes([], [], [gone], [], []))


if __name__ == "__main__":
    raise SystemExit(main())
