"""Gold of every source for the tests of releases, and a release of it."""

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from backend.db.session import Database
from backend.db.tables import (
    Account,
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    GoldSource,
    Project,
    Version,
    now,
)
from backend.loop.copies import sort_copies
from backend.loop.import_files import import_file
from backend.loop.releases import Made, make
from backend.settings import Settings
from backend.workflow.releases.make import Wish

CONFIG = """<View><Labels name="label" toName="text"><Label value="PS"/><Label value="LC"/>
<Label value="DT"/></Labels><Text name="text" value="$text"/></View>"""
LABELS = ["PS", "LC", "DT"]
NAMES = ["김철수", "이영희", "박지훈", "최은지", "정민호", "한서연", "오세현", "윤도경"]
PLACES = ["서울", "부산", "대전", "광주", "제주", "강릉"]


def lines(count: int = 120) -> list[dict[str, Any]]:
    """Documents of a file, each unlike the others, every tenth with an exact copy."""
    rng = random.Random(5)
    found: list[dict[str, Any]] = []
    for number in range(count):
        name, place = rng.choice(NAMES), rng.choice(PLACES)
        filler = "".join(chr(0xAC00 + rng.randrange(11172)) for _ in range(30))
        text = f"{name}은 {place}에서 {filler}"
        entities = [
            {"start": 0, "end": 3, "label": "PS"},
            {"start": 5, "end": 5 + len(place), "label": "LC"},
        ]
        found.append({"id": f"d{number:04}", "text": text, "entities": entities, "meta": {"n": 1}})
        if number % 10 == 0:
            found.append({"id": f"copy-{number}", "text": text, "entities": entities})
    return found


def add_project(database: Database, **settings: Any) -> int:
    """A project `p`; its number."""
    with database.write() as session:
        project = Project(key="p", name="P", label_config=CONFIG, labels=LABELS, settings=settings)
        session.add(project)
        session.flush()
        return project.id


def import_gold(
    database: Database,
    folder: Path,
    records: Iterable[dict[str, Any]],
    name: str = "in.jsonl",
    gold: str = "random",
) -> None:
    """Import documents with their entities as gold."""
    file = folder / name
    file.write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    report = import_file(database, "p", file, gold)  # type: ignore[arg-type]
    assert not report.refused_lines, report.refused
    with database.read() as session:
        project_id = session.query(Project.id).filter_by(key="p").scalar()
    sort_copies(database, project_id)


def release(database: Database, settings: Settings, **wish: Any) -> Made:
    """Release the project's gold."""
    return make(database, settings, "p", Wish("curator@example.com", **wish))


def document(session: Session, external_id: str) -> Document:
    return session.query(Document).filter_by(external_id=external_id).one()


def add_account(session: Session, email: str) -> Account:
    account = Account(email=email, session_token="t")
    session.add(account)
    session.flush()
    return account


def annotate(
    session: Session,
    external_id: str,
    account: Account,
    entities: list[dict[str, Any]],
    *,
    number: int,
    becomes_gold: bool = False,
    version: str | None = None,
) -> AnnotationState:
    """Somebody's submitted annotation; with `becomes_gold` the document's gold."""
    its = document(session, external_id)
    state = AnnotationState(
        project_id=its.project_id,
        document_id=its.id,
        annotation_id=number,
        updated_at=now(),
        status=AnnotationStatus.SUBMITTED,
        account_id=account.id,
        entities=entities,
        version_name=version,
    )
    session.add(state)
    session.flush()
    if becomes_gold:
        gold = session.get_one(Gold, its.id)
        gold.source, gold.account_id = GoldSource.PERSON, account.id
        gold.annotation_state_id, gold.entities = state.id, entities
        session.get_one(Project, its.project_id).gold_revision += 1
    return state


def split_of(folder: Path, external_id: str) -> str:
    """The split that holds a document."""
    for path in folder.glob("*.jsonl"):
        if (
            not path.name.endswith("provenance.jsonl")
            and f'"id":"{external_id}"' in path.read_text()
        ):
            return path.stem
    raise AssertionError(f"{external_id} is not released")


def provenance_of(folder: Path, external_id: str) -> dict[str, Any]:
    """What a release says of where a document's gold comes from."""
    for path in folder.glob("*.provenance.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            record: dict[str, Any] = json.loads(line)
            if record["id"] == external_id:
                return record
    raise AssertionError(f"{external_id} is not released")


def add_version(session: Session, project_id: int, name: str) -> Version:
    version = Version(project_id=project_id, name=name)
    session.add(version)
    session.flush()
    return version
