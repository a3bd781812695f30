"""Two people who annotate the same documents, one of them without reading, and a blind slice."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend.db.document_counts import recount_documents
from backend.db.gold import NewGold, put_gold
from backend.db.tables import (
    Account,
    AnnotationState,
    Document,
    GoldSource,
    Prediction,
    Project,
    TaskState,
    Version,
    now,
)
from backend.db.tables_of_sharing import Sharing

SHARED, DISPUTED, BLIND = 120, 10, 30  # documents
WAITING = 3  # more, that only one has annotated


def add_shared_work(session: Session, project: Project) -> None:
    """Documents 1 to SHARED, done by both; every second pre-label is wrong.

    The second person removes what is wrong, the first leaves two of three as they are. About the
    last DISPUTED nobody has decided; the first BLIND were shown without pre-labels.
    """
    first, second = (
        session.scalars(select(Account).where(Account.email == email)).one().id
        for email in ("annotator@example.com", "annotator-2@example.com")
    )
    label, other = project.labels[:2]
    name = {"start": 0, "end": 3, "label": label}
    wrong = {"start": 5, "end": 6, "label": other}
    version = session.scalars(select(Version).where(Version.name == "v3")).one()
    documents = session.scalars(select(Document).order_by(Document.id).limit(SHARED)).all()
    of_these = AnnotationState.document_id.in_([document.id for document in documents])
    session.execute(delete(AnnotationState).where(of_these))
    gold = []
    for number, document in enumerate(documents):
        document.canonical_id, document.task_state = None, TaskState.DONE
        document.task_id = document.id
        blind, doubtful = number < BLIND, number % 2 == 0
        session.add(
            Sharing(document_id=document.id, project_id=project.id, annotators=2, blind=blind)
        )
        said = [name, wrong] if doubtful else [name]
        session.merge(
            Prediction(
                document_id=document.id, version_id=version.id, entities=said, confidence=0.9
            )
        )
        careless = doubtful and not blind and number % 3 > 0
        for person, entities in ((first, said if careless else [name]), (second, [name])):
            removed = 0 if blind else len(said) - len(entities)
            session.add(
                AnnotationState(
                    project_id=project.id,
                    document_id=document.id,
                    annotation_id=100_000 + 2 * number + (person == second),
                    updated_at=now(),
                    status="submitted",
                    account_id=person,
                    lead_time=(40.0 if blind else 20.0) + number % 7,
                    version_name=None if blind else "v3",
                    correction={} if blind else {"kept": 1, "removed": removed},
                    entities=list(entities),
                )
            )
        if number < SHARED - DISPUTED or not careless:
            project.gold_revision += 1
            row = (document.id, [name], GoldSource.DECISION, project.gold_revision, now())
            gold.append(NewGold(*row))
    for document in session.scalars(
        select(Document).order_by(Document.id).offset(SHARED).limit(WAITING)
    ):
        document.canonical_id, document.task_state = None, TaskState.OPEN
        document.task_id = document.id
        session.add(Sharing(document_id=document.id, project_id=project.id, annotators=2))
        session.add(
            AnnotationState(
                project_id=project.id,
                document_id=document.id,
                annotation_id=200_000 + document.id,
                updated_at=now(),
                status="submitted",
                account_id=second,
                entities=[name],
            )
        )
    session.flush()
    put_gold(session, project, gold)
    recount_documents(session, project.id)
