"""A project in mid-life, written straight into the tables: what the pages are looked at with."""

import hashlib
import random
from pathlib import Path

from sqlalchemy import insert
from sqlalchemy.orm import Session

from backend.db.accounts import add_account
from backend.db.document_counts import recount_documents
from backend.db.tables import (
    AnnotationState,
    Document,
    Gold,
    Project,
    Publication,
    PublicationState,
    Reconciliation,
    Role,
    Run,
    RunState,
    TaskState,
    Version,
    VersionState,
    now,
)
from backend.settings import ProjectSettings
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.gate import decide
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.label_studio import parse_label_config
from ml_backend.contract.messages import JobFolder, Progress
from ml_backend.contract.snapshot import GoldDocument

PASSWORD = "tests-only-password"
LONG = "administrator-with-a-long-address@clinical-annotation.example.org"
PEOPLE = {
    "annotator@example.com": (Role.ANNOTATOR, "주석자 1"),
    "curator@example.com": (Role.CURATOR, "큐레이터 1"),
    "admin@example.com": (Role.ADMINISTRATOR, ""),
    LONG: (Role.ADMINISTRATOR, ""),
}
REPORT = {
    "checked": {"tasks": 1204, "annotations": 361},
    "found": {"annotations_missed": 2, "tasks_deleted": 1},
    "details": {"annotations_missed": [351, 360], "tasks_deleted": [1180]},
    "notes": {"foreign hooks": ["https://hooks.example.com/"]},
}
CONFIGURATION = Path("annotation_configs/general.xml")


def add_people(session: Session) -> None:
    """One account of each role, all with the same password."""
    for email, (role, name) in PEOPLE.items():
        add_account(session, email, role=role, password=PASSWORD, name=name)


def add_project(
    session: Session, key: str = "general", name: str = "일반 도메인 개체명"
) -> Project:
    """An empty project of the 33 general classes."""
    xml = CONFIGURATION.read_text("utf-8")
    labels = list(parse_label_config(xml).labels)
    project = Project(key=key, name=name, label_config=xml, labels=labels)
    session.add(project)
    session.flush()
    return project


def fill(session: Session, project: Project, folder: Path, documents: int = 3000) -> None:
    """Thousands of documents in every state, three versions, corrections, and a live training."""
    rng = random.Random(7)
    project.label_studio_id, project.last_event_at, project.last_sync_at = 12, now(), now()
    project.connected_at = now()
    person = add_account(session, "annotator-2@example.com", role=Role.ANNOTATOR, name="주석자 2")
    rows, gold, states = [], [], []
    for number in range(1, documents + 1):
        text = f"김철수는 {number}일 서울에 갔다 😀 한국은행의 이창용 총재를 만났다."
        state = _state(rng)
        rows.append(
            {
                "id": number,
                "project_id": project.id,
                "external_id": f"doc-{number}",
                "text": text,
                "group_key": group_key(text),
                "deduped": True,
                "canonical_id": 1 if state == "copy" and number > 1 else None,
                "task_id": number if state in ("open", "person", "skipped") else None,
                "task_state": {"open": TaskState.OPEN, "person": TaskState.DONE}.get(
                    state, TaskState.DONE if state == "skipped" else None
                ),
                "meta": {},
            }
        )
        if state in ("person", "imported"):
            gold.append(
                {
                    "document_id": number,
                    "project_id": project.id,
                    "entities": [{"start": 0, "end": 3, "label": project.labels[0]}],
                    "source": state,
                    "account_id": person.id if state == "person" else None,
                    "revision": number,
                }
            )
        if state == "person":
            states.append(_annotation(rng, project, number, person.id))
    session.execute(insert(Document), rows)
    session.execute(insert(Gold), gold)
    session.execute(insert(AnnotationState), states)
    project.gold_revision = documents
    recount_documents(session, project.id)
    session.add(Reconciliation(project_id=project.id, report=REPORT))
    _versions(session, project, folder, rng, documents)


def _state(rng: random.Random) -> str:
    return rng.choices(
        ("pool", "open", "person", "imported", "skipped", "copy"), (40, 25, 12, 15, 2, 6)
    )[0]


def _annotation(
    rng: random.Random, project: Project, number: int, account: int
) -> dict[str, object]:
    return {
        "project_id": project.id,
        "document_id": number,
        "annotation_id": number,
        "updated_at": now(),
        "status": "submitted",
        "account_id": account,
        "version_name": "v3",
        "correction": {"kept": rng.randrange(5), "added": rng.randrange(2), "removed": 0},
    }


def _versions(
    session: Session, project: Project, folder: Path, rng: random.Random, documents: int
) -> None:
    labels, champion = LabelSet(tuple(project.labels)), None
    held_out = _held_out(rng, labels)
    for number, skill in ((1, 0.70), (2, 0.80), (3, 0.86), (4, 0.84)):
        tagged = [_tag(rng, document, skill, labels) for document in held_out]
        settings = project.settings
        decision = decide(held_out, champion, tagged, _settings(settings))
        promoted = number < 4
        version = Version(
            project_id=project.id,
            name=f"v{number}",
            state=VersionState.RETIRED if promoted else VersionState.REFUSED,
        )
        session.add(version)
        session.flush()
        session.add(
            Run(
                project_id=project.id,
                version_id=version.id,
                state=RunState.PROMOTED if promoted else RunState.REFUSED,
                asked_by="threshold",
                reason=decision.reason,
                gate=decision.numbers,
                gold_revision=documents - 220 if number == 4 else 0,
                finished_at=now(),
            )
        )
        if promoted:
            champion, project.champion_id = tagged, version.id
            session.add(
                Publication(
                    project_id=project.id,
                    version_id=version.id,
                    state=PublicationState.DONE,
                    asked_by="threshold",
                )
            )
    session.get_one(Version, project.champion_id).state = VersionState.CHAMPION
    job = JobFolder(folder)
    folder.mkdir(parents=True)
    figures = {"epoch": 7.0, "step": 412.0, "loss": 1.2847, "dev_f1": 0.8312}
    job.write_progress(Progress(31, "training", 412, 900, 74.0, figures))
    session.add(
        Run(
            project_id=project.id,
            state=RunState.TRAINING,
            asked_by="curator@example.com",
            folder=str(folder),
            started_at=now(),
        )
    )


def _settings(record: dict[str, object]) -> ProjectSettings:
    return ProjectSettings.model_validate(record)


def _held_out(rng: random.Random, labels: LabelSet) -> list[GoldDocument]:
    text = "가" * 60
    documents = []
    for number in range(240):
        names = rng.choices(tuple(labels), [1 / (rank + 1) for rank in range(len(labels))], k=4)
        entities = [Entity(at * 10, at * 10 + 3, name) for at, name in enumerate(names)]
        key = hashlib.sha256(str(number).encode()).hexdigest()
        documents.append(GoldDocument(str(number), key, text, entities))
    return documents


def _tag(
    rng: random.Random, document: GoldDocument, skill: float, labels: LabelSet
) -> list[Entity]:
    order = {label: rank for rank, label in enumerate(labels)}
    found = []
    for entity in document.entities:
        if rng.random() < skill - order[entity.label] * 0.012:
            found.append(entity)
        elif rng.random() < 0.5:
            found.append(Entity(entity.start, entity.end + 1, entity.label))
    return found
