"""The gold that a standing decision gives to one document."""

from typing import Any

from sqlalchemy.orm import Session

from backend.db.gold import NewGold, put_gold
from backend.db.projects import settings_of
from backend.db.tables import Document, Gold, GoldSource, Project
from backend.db.tables_of_labels import Adjudication
from backend.workflow.duplicates.normal_form import ProjectionError, project_entities
from ml_backend.contract.entity import read_entities


def project_decision(
    adjudication: Adjudication, text: str, document: Document, casefold: bool
) -> list[dict[str, Any]]:
    """A decision's entities, made about `text`, in a document's text; raises ProjectionError."""
    entities = read_entities(adjudication.entities, text)
    projected = project_entities(entities, text, document.text, casefold)
    return [entity.to_dict() for entity in projected]


def is_upheld(session: Session, document: Document, decision: Adjudication) -> bool:
    """Whether a document's gold is this decision."""
    gold = session.get(Gold, document.id)
    return gold is not None and gold.adjudication_id == decision.id


def uphold(session: Session, project: Project, document: Document, decision: Adjudication) -> bool:
    """Make a decision a document's gold again; False where it has no place in its text."""
    about = session.get(Document, decision.document_id)
    if about is None:
        return False
    try:
        entities = project_decision(decision, about.text, document, settings_of(project).casefold)
    except (ProjectionError, ValueError):  # the key it was made under may have been another
        return False
    gold = session.get(Gold, document.id)
    if gold is not None and gold.source == GoldSource.IMPORTED:
        document.imported_gold = gold.entities
    project.gold_revision += 1
    put_gold(
        session,
        project,
        [
            NewGold(
                document_id=document.id,
                entities=entities,
                source=GoldSource.DECISION,
                revision=project.gold_revision,
                updated_at=decision.created_at,
                account_id=decision.account_id,
                adjudication_id=decision.id,
            )
        ],
    )
    return True
