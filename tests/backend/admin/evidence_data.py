"""Documents of the filled project with evidence: suggestions, gold read, a rejection."""

from sqlalchemy import select

from backend.db.annotations import document_by_task
from backend.db.projects import project_by_key
from backend.db.session import Database
from backend.db.tables import (
    AnnotationState,
    AnnotationStatus,
    Document,
    Gold,
    Prediction,
    TaskState,
    now,
)
from backend.db.versions import champion, locked_project
from backend.workflow.correct import changes
from backend.workflow.evidence import rejections
from backend.workflow.evidence.mentions import read_gold
from ml_backend.contract.entity import Entity


def add_evidence(database: Database) -> int:
    """Let the champion suggest four entities for an open document, of which a person has removed
    one in a near copy and relabelled another; the document's number.
    """
    with database.write() as session:
        project = locked_project(session, project_by_key(session, "general").id)
        while read_gold(session, project, 2000):
            pass
        its = select(Document).where(Document.project_id == project.id)
        document = session.scalars(its.where(Document.task_state == TaskState.OPEN)).first()
        state = session.scalars(
            select(AnnotationState).where(AnnotationState.entities == [])
        ).first()
        source = session.get_one(Document, state.document_id)
        document.near_id = source.near_id = source.id
        person, place, product = project.labels[0], project.labels[1], project.labels[2]
        at = document.text.index("서울")
        there = source.text.index("서울")
        bank = document.text.index("한국은행")
        said = [
            {"start": 0, "end": 3, "label": person, "probability": 0.981},
            {"start": at, "end": at + 2, "label": place, "probability": 0.62},
            {"start": bank, "end": bank + 4, "label": product, "probability": 0.44},
            {"start": bank + 10, "end": bank + 12, "label": person, "probability": 0.4},
        ]
        said[0]["runner_up"] = {"label": place, "probability": 0.012}
        said[1]["runner_up"] = {"label": product, "probability": 0.31}
        session.add(
            Prediction(
                document_id=document.id,
                version_id=project.champion_id,
                entities=said,
                confidence=0.57,
            )
        )
        gold = session.get_one(Gold, source.id)
        gold.entities = [{"start": 0, "end": 3, "label": product}]
        state.status, state.updated_at = AnnotationStatus.SUBMITTED, now()
        before = [Entity(there, there + 2, place), Entity(0, 3, person)]
        rejections.keep(session, state, source.text, changes(before, [Entity(0, 3, product)]))
        session.flush()
        rejections.mark(session, project, champion(session, project), [document.id])
        assert document_by_task(session, project.id, document.task_id) is document
        return document.id
