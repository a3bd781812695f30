"""Projects, documents and gold for the tests of the loop, made straight in the database."""

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy.orm import Session

from backend.db.tables import (
    Arm,
    Document,
    Gold,
    GoldSource,
    Part,
    Prediction,
    Project,
    TaskState,
    Version,
)
from backend.db.tables_of_selection import DocumentScore

CONFIG = """<View><Labels name="label" toName="text"><Label value="PS"/><Label value="LC"/></Labels>
<Text name="text" value="$text"/></View>"""
LABELS = ["PS", "LC"]


def add_project(session: Session, key: str = "p", **settings: Any) -> Project:
    project = Project(key=key, name=key, label_config=CONFIG, labels=LABELS, settings=settings)
    session.add(project)
    session.flush()
    return project


def add_documents(session: Session, project: Project, texts: Iterable[str]) -> list[Document]:
    """Deduped documents of the pool; the same text twice makes a copy of the first."""
    first: dict[str, Document] = {}
    made = []
    for number, text in enumerate(texts):
        document = Document(
            project_id=project.id,
            external_id=f"{number:06}-{hashlib.sha256(text.encode()).hexdigest()[:6]}",
            text=text,
            group_key=hashlib.sha256(text.encode()).hexdigest(),
            deduped=True,
        )
        session.add(document)
        session.flush()
        canonical = first.setdefault(text, document)
        document.canonical_id = None if canonical is document else canonical.id
        made.append(document)
    session.flush()
    return made


def add_gold(
    session: Session,
    document: Document,
    *,
    label: str = "PS",
    source: GoldSource = GoldSource.PERSON,
    part: Part | None = None,
) -> Gold:
    """Gold of one entity over the first character, as of the project's next revision."""
    project = session.get_one(Project, document.project_id)
    project.gold_revision += 1
    if part is not None:
        document.part = part
        document.arm = Arm.RANKED if part == Part.TRAIN else Arm.RANDOM
    gold = session.get(Gold, document.id) or Gold(document_id=document.id, project_id=project.id)
    gold.entities = [{"start": 0, "end": 1, "label": label}]
    gold.source, gold.revision = source, project.gold_revision
    session.add(gold)
    session.flush()
    return gold


def add_trainable(session: Session, project: Project, count: int = 12) -> list[Document]:
    """Documents with imported gold that a run may learn from."""
    documents = add_documents(session, project, (f"문서 {number}" for number in range(count)))
    for document in documents:
        add_gold(session, document, source=GoldSource.IMPORTED, part=Part.TRAIN)
    return documents


def add_version(session: Session, project: Project, name: str = "v1") -> Version:
    version = Version(project_id=project.id, name=name)
    session.add(version)
    session.flush()
    return version


def add_prediction(
    session: Session, document: Document, version: Version, confidence: float
) -> None:
    session.add(
        Prediction(
            document_id=document.id, version_id=version.id, entities=[], confidence=confidence
        )
    )


def add_score(session: Session, document: Document, version: Version, **scores: Any) -> None:
    """Scores by which selection ranks, middling where they are not given."""
    session.add(
        DocumentScore(
            document_id=document.id,
            version_id=version.id,
            **{
                "log_probability": -1.0,
                "characters": 10,
                "margin": 0.5,
                "mean_entropy": 0.5,
                "max_entropy": 0.5,
                "expected": {},
                "entities": 0.0,
                "edits": 0.0,
            }
            | scores,
        )
    )


def open_tasks(documents: Iterable[Document], first: int = 1) -> None:
    """Pretend that each has an open task."""
    for number, document in enumerate(documents, start=first):
        document.task_id, document.task_state = number, TaskState.OPEN
