"""What else the project of pages.py holds, beside documents and gold: a year of people's work.

Ten people with 100,000 annotations of theirs, 30 versions that were judged in turn, 10,000 items
each in the autolabel queue, the review of doubts and the errors of the champion, scores of the
pool with batches that were chosen by them, copies sorted, a survey.
"""

import random
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from documents_place import KEY, Place, tell
from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.accounts import add_account
from backend.db.autolabels import without_item
from backend.db.bulk import insert_rows
from backend.db.projects import project_by_key, settings_of
from backend.db.session import Database
from backend.db.tables import (
    Account,
    AnnotationState,
    Gold,
    Project,
    Role,
    Run,
    RunState,
    Version,
    VersionState,
    now,
)
from backend.db.tables_of_doubts import Doubt, DoubtRun, DoubtRunState
from backend.db.tables_of_errors import Comparison, Difference, DifferingDocument
from backend.db.tables_of_selection import Batch, BatchDocument, DocumentScore
from backend.db.versions import locked_project
from backend.loop.copies import sort_copies
from backend.loop.import_files import import_file
from backend.loop.survey import take_survey
from backend.sample.generate import generate
from backend.workflow.autolabels.items import STORED_AT_ONCE, Proposal
from backend.workflow.autolabels.store import store
from backend.workflow.gate import decide
from ml_backend.contract.entity import Entity
from ml_backend.contract.pairing import Kind
from ml_backend.contract.snapshot import GoldDocument

PEOPLE, ANNOTATIONS, VERSIONS, ITEMS = 10, 100_000, 30, 10_000
PASSWORD = "benchmark-only-password"


def fill(database: Database, place: Place) -> None:
    """Make all of it, once in the life of a database."""
    with database.write() as session:
        if session.scalar(select(Account.id).limit(1)):
            return  # by an earlier run
        for number in range(PEOPLE):
            given = {"role": Role.ADMINISTRATOR, "password": PASSWORD, "name": "큐레이터"}
            add_account(session, address_of(number), **given)
    tell("sorting copies, filling the queues")
    unlabelled = place.folder / "pool.jsonl"
    with unlabelled.open("wb") as file:
        for one in generate(ITEMS, seed=1):
            record = {"id": f"pool-{one.id}", "text": f"{one.text} ({one.id})"}
            file.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    import_file(database, KEY, unlabelled, None)
    with database.write() as session:
        project_id = project_by_key(session, KEY).id
    sort_copies(database, project_id)
    _add_versions(database, project_id)
    _fill_autolabels(database, project_id)
    for filled in (_add_annotations, _add_doubts, _add_differences):
        with database.write() as session:
            filled(session, session.get_one(Project, project_id), random.Random(2))
    take_survey(database, project_id)


def address_of(number: int) -> str:
    """One of the people's address."""
    return f"curator-{number}@example.com"


def _add_versions(database: Database, project_id: int) -> None:
    """So many versions that were judged in turn, the last one served."""
    rng, champion = random.Random(0), None
    with database.write() as session:
        project = locked_project(session, project_id)
        held_out = _judged_on(rng, project.labels)
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


def _judged_on(rng: random.Random, labels: list[str]) -> list[GoldDocument]:
    """Held-out gold of every label."""
    made = []
    for number in range(500):
        names = rng.choices(labels, k=4)
        entities = [Entity(10 * at, 10 * at + 3, name) for at, name in enumerate(names)]
        made.append(GoldDocument(str(number), str(number), "가" * 60, entities))
    return made


def _fill_autolabels(database: Database, project_id: int) -> None:
    """The champion's proposals and scores for documents without gold, none accepted yet."""
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
                Proposal(number, _proposed(rng, text, project), round(rng.random(), 4))
                for number, text in found
            ]
            store(session, project, version, None, proposals, "run 1", now())
            _add_scores(session, version, [number for number, _ in found], rng)
            _add_batch(session, version, [number for number, _ in found])
        after, stored = found[-1][0], stored + len(found)


def _proposed(rng: random.Random, text: str, project: Project) -> list[dict[str, object]]:
    """Up to two entities somewhere in a text."""
    ends = sorted(rng.sample(range(len(text) + 1), k=min(4, len(text) // 2 * 2)))
    spans = zip(ends[::2], ends[1::2], strict=True)
    return [
        {"start": start, "end": end, "label": rng.choice(project.labels), "p": 0.9}
        for start, end in spans
    ]


def _add_scores(
    session: Session, version: Version, documents: list[int], rng: random.Random
) -> None:
    scores = ("log_probability", "margin", "mean_entropy", "max_entropy", "entities", "edits")
    columns = ("document_id", "version_id", *scores, "characters", "expected", "row")
    rows = [
        (number, version.id, -rng.random(), *(rng.random() for _ in scores[1:]), 40, {}, 0)
        for number in documents
    ]
    insert_rows(session, DocumentScore, columns, rows)


def _add_batch(session: Session, version: Version, documents: list[int]) -> None:
    batch = Batch(
        project_id=version.project_id,
        version_id=version.id,
        mixture={"mnlp": 1.0},
        candidates=ITEMS,
        documents=len(documents),
        at_random=len(documents) // 6,
    )
    session.add(batch)
    session.flush()
    rows = [(number, batch.id, place) for place, number in enumerate(documents, 1)]
    insert_rows(session, BatchDocument, ("document_id", "batch_id", "place"), rows)


def _gold(session: Session, project: Project, most: int) -> Iterator[tuple[int, Any, int]]:
    """Documents with their gold and its revision."""
    rows = session.execute(
        select(Gold.document_id, Gold.entities, Gold.revision)
        .where(Gold.project_id == project.id)
        .order_by(Gold.document_id)
        .limit(most)
    ).all()
    for row in rows:
        yield row[0], row[1], row[2]


def _add_annotations(session: Session, project: Project, rng: random.Random) -> None:
    """Annotations as gold is, one in twenty by two people, one in ten with something changed."""
    people = list(session.scalars(select(Account.id)))
    columns = ("project_id", "document_id", "annotation_id", "updated_at", "status", "account_id")
    columns += ("lead_time", "entities", "regions", "version_name", "cleaned", "correction")
    columns += ("corrected", "seen_at")
    rows: list[tuple[Any, ...]] = []
    for number, entities, _ in _gold(session, project, ANNOTATIONS):
        for account in rng.sample(people, k=2 if rng.random() < 0.05 else 1):
            changed = rng.random() < 0.1
            correction = {"kept": len(entities), "relabelled": int(changed)}
            taken = round(rng.lognormvariate(2, 0.6), 1)
            annotation = (project.id, number, len(rows) + 1, now(), "submitted", account, taken)
            corrected = entities[:1] if changed else []
            state = (entities, [], f"v{VERSIONS}", {}, correction, corrected, now())
            rows.append((*annotation, *state))
    insert_rows(session, AnnotationState, columns, rows)


def _add_doubts(session: Session, project: Project, rng: random.Random) -> None:
    """Spurious and mislabelled pieces of gold, ranked."""
    run = DoubtRun(
        project_id=project.id,
        state=DoubtRunState.DONE,
        asked_by="x",
        finished_at=now(),
        figures={"documents": ANNOTATIONS, "doubts": ITEMS, "kept": ITEMS, "f1": [0.8]},
    )
    session.add(run)
    session.flush()
    found = (it for it in _gold(session, project, 2 * ITEMS) if it[1])
    for rank, (number, entities, revision) in zip(range(1, ITEMS + 1), found, strict=False):
        other = {**entities[0], "label": rng.choice(project.labels), "probability": 0.9}
        session.add(
            Doubt(
                project_id=project.id,
                document_id=number,
                run_id=run.id,
                rank=rank,
                score=1 - rank / ITEMS,
                kind=Kind.LABEL if rank % 2 else Kind.SPURIOUS,
                label=entities[0]["label"],
                gold=entities[:1],
                proposal=[other] if rank % 2 else [],
                given=rng.random(),
                evidence={"strings": {}, "similar": []},
                gold_revision=revision,
            )
        )


def _add_differences(session: Session, project: Project, rng: random.Random) -> None:
    """Documents of which the champion says less than gold."""
    assert project.champion_id is not None
    session.add(
        Comparison(
            project_id=project.id,
            version_id=project.champion_id,
            revision=project.gold_revision + 1,
            documents=ANNOTATIONS,
        )
    )
    differ: list[Mapping[str, Any]] = []
    found = (it for it in _gold(session, project, 2 * ITEMS) if it[1])
    for _, (number, entities, revision) in zip(range(ITEMS), found, strict=False):
        session.add(
            DifferingDocument(
                document_id=number,
                project_id=project.id,
                version_id=project.champion_id,
                gold_revision=revision,
                confidence=rng.random(),
                entities=entities[1:],
            )
        )
        differ.append({"document_id": number, "label": entities[0]["label"]})
    session.flush()
    session.add_all(Difference(project_id=project.id, kind=Kind.MISSED, **one) for one in differ)
