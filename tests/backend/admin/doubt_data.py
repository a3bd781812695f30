"""Doubts about gold of the filled project, as a finished run leaves them."""

from sqlalchemy import select

from backend.db.session import Database
from backend.db.tables import Document, Gold, Project, now
from backend.db.tables_of_doubts import Doubt, DoubtRun, DoubtRunState
from backend.workflow.doubts.evidence import evidence_for
from backend.workflow.doubts.rank import rank
from backend.workflow.doubts.run import NewDoubt, finish, keep, open_run
from backend.workflow.labels.label_map import LabelMap
from ml_backend.contract.entity import Entity
from ml_backend.contract.snapshot import GoldDocument

SAID = [  # of `김철수는 1일 서울에 갔다`: missed, spurious, other boundaries, another label
    [(0, 3, "사람", 0.9), (-1, 0, "행정구역", 0.8)],
    [],
    [(0, 4, "사람", 0.7)],
    [(0, 3, "제품", 0.6)],
]
FIGURES = {"documents": 812, "f1": [0.81], "doubts": 60, "kept": 60}


def find_doubts(database: Database, count: int = 60) -> list[int]:
    """Doubts about the first documents with gold, four kinds in turn; their ids by rank."""
    with database.write() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        rows = session.execute(
            select(Document, Gold)
            .join(Gold, Gold.document_id == Document.id)
            .where(Gold.project_id == project.id)
            .order_by(Document.id)
            .limit(count)
        ).all()
        gold, records = [], []
        for number, (document, its) in enumerate(rows):
            entities = [Entity.from_dict(one, length=len(document.text)) for one in its.entities]
            gold.append(
                GoldDocument(document.external_id, document.group_key, document.text, entities)
            )
            records.append(_record(gold[-1], number))
        queue = rank(records)
        evidence = evidence_for([one.place for one in queue], lambda: gold)
        run = open_run(session, project, "curator@example.com")
        found = [
            NewDoubt(at, one, its)
            for at, (one, its) in enumerate(zip(queue, evidence, strict=True), start=1)
        ]
        assert keep(session, project, run, LabelMap(), found) == count
        run.figures = FIGURES
        finish(run, DoubtRunState.DONE, "", now())
        return list(session.scalars(select(Doubt.id).order_by(Doubt.rank)))


def begin_run(database: Database, folder: str = "") -> int:
    """A run that waits, or that works in a folder."""
    with database.write() as session:
        project = session.scalars(select(Project).where(Project.key == "general")).one()
        run: DoubtRun = open_run(session, project, "curator@example.com")
        run.folder = folder
        run.state = DoubtRunState.RUNNING if folder else DoubtRunState.WAITING
        return run.id


def _record(document: GoldDocument, number: int) -> dict[str, object]:
    (entity,) = document.entities
    seoul = document.text.index("서울")
    said = []
    for start, end, label, chance in SAID[number % len(SAID)]:
        name = entity.label if label == "사람" else label
        span = (start, end) if start >= 0 else (seoul, seoul + 2)
        said.append(_span(*span, name, chance - number / 1000))
    same = number % len(SAID) == 0
    return {
        "id": document.id,
        "gold": [_span(entity.start, entity.end, entity.label, 0.9 if same else 0.1)],
        "entities": said,
        "tags": [0.5] * len(document.text),
        "confidence": 0.5,
    }


def _span(start: int, end: int, label: str, chance: float) -> dict[str, object]:
    return {"start": start, "end": end, "label": label, "probability": chance, "others": {}}
