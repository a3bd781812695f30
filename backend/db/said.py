"""Questions about what versions have said of one document."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.autolabels import said_to_people
from backend.db.sharing import blind_slice
from backend.db.tables import Document, Gold, GoldSource, Prediction, Project, TaskState, Version
from backend.db.tables_of_autolabel import Autolabel
from backend.errors import NotFoundError

PEOPLES = (GoldSource.PERSON, GoldSource.DECISION)


class Said(NamedTuple):
    """A version's prediction of a document, and what of it people are shown."""

    version: Version
    prediction: Prediction
    shown: Prediction


def document_of(session: Session, project: Project, document_id: int) -> Document:
    """A document of a project; raises NotFoundError."""
    document = session.get(Document, document_id)
    if document is None or document.project_id != project.id:
        raise NotFoundError("document", document_id)
    return document


def last_said(session: Session, project: Project, document: Document) -> Said | None:
    """What the champion says of a document, or else the newest version that has said anything."""
    row = session.execute(
        select(Prediction, Version, Autolabel.audit, Autolabel.state)
        .join(Version, Version.id == Prediction.version_id)
        .outerjoin(Autolabel, Autolabel.document_id == Prediction.document_id)
        .where(Prediction.document_id == document.id)
        .order_by((Version.id == project.champion_id).desc(), Version.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    blind = document.id in blind_slice(session, [document.id])
    prediction, version, audit, state = row
    return Said(version, prediction, said_to_people(prediction, audit, state, blind=blind))


def is_blind(session: Session, document: Document) -> bool:
    """Whether people still have to label a document without seeing what a version says."""
    item = session.get(Autolabel, document.id)
    if (item is None or item.audit is None) and not blind_slice(session, [document.id]):
        return False
    gold = session.get(Gold, document.id)
    answered = gold is not None and gold.source in PEOPLES
    return not answered and document.task_state != TaskState.DONE
