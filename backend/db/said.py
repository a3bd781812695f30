"""Questions about what versions have said of one document."""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.autolabels import said_to_people
from backend.db.tables import Document, Gold, GoldSource, Prediction, Project, TaskState, Version
from backend.db.tables_of_autolabel import Autolabel
from backend.db.tables_of_evidence import MentionMark
from backend.db.tables_of_sharing import Sharing
from backend.errors import NotFoundError

PEOPLES = (GoldSource.PERSON, GoldSource.DECISION)


class Shown(NamedTuple):
    """A document, and what decides how much of what versions say of it people may see.

    `audit` and `state` are those of its item in the autolabel queue, `gold` the source of its gold,
    `read` the revision up to which the project's gold has been read for its strings.
    """

    document: Document
    audit: str | None
    state: str | None
    drawn: bool | None
    gold: str | None
    read: int | None

    @property
    def is_blind(self) -> bool:
        """Whether people still have to label it without seeing what a version says."""
        if self.audit is None and not self.drawn:
            return False
        return self.gold not in PEOPLES and self.document.task_state != TaskState.DONE


class Said(NamedTuple):
    """A version's prediction of a document, and what of it people are shown."""

    version: Version
    prediction: Prediction
    shown: Prediction


def shown_document(session: Session, project: Project, document_id: int) -> Shown:
    """A document of a project as people may see it; raises NotFoundError."""
    row = session.execute(
        select(
            Document,
            Autolabel.audit,
            Autolabel.state,
            Sharing.blind,
            Gold.source,
            MentionMark.revision,
        )
        .outerjoin(Autolabel, Autolabel.document_id == Document.id)
        .outerjoin(Sharing, Sharing.document_id == Document.id)
        .outerjoin(Gold, Gold.document_id == Document.id)
        .outerjoin(MentionMark, MentionMark.project_id == Document.project_id)
        .where(Document.id == document_id, Document.project_id == project.id)
    ).one_or_none()
    if row is None:
        raise NotFoundError("document", document_id)
    return Shown(*row)


def last_said(session: Session, project: Project, of: Shown) -> Said | None:
    """What the champion says of a document, or else the newest version that has said anything."""
    row = session.execute(
        select(Prediction, Version)
        .join(Version, Version.id == Prediction.version_id)
        .where(Prediction.document_id == of.document.id)
        .order_by((Version.id == project.champion_id).desc(), Version.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    prediction, version = row
    shown = said_to_people(prediction, of.audit, of.state, blind=bool(of.drawn))
    return Said(version, prediction, shown)
