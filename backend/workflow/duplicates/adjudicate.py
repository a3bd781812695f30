"""A curator decides once what the gold of a text is: every exact copy receives it, projected.

The decision is gold of its own source, with the row that says who decided, when and why. It
stands above everything that was annotated or imported before it; a later annotation by a person
replaces it on that document. Withdrawn, it gives back what was there: what people's annotations
say, else imported gold, else none (copies and autolabels then follow anew).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from backend.db.adjudications import decided_documents, group_documents, standing
from backend.db.audit_log import record
from backend.db.gold import NewGold, put_gold
from backend.db.projects import settings_of
from backend.db.surveys import settle_findings
from backend.db.tables import Document, Gold, GoldSource, Project, now
from backend.db.tables_of_labels import Adjudication
from backend.errors import ConflictError, InvalidInputError
from backend.workflow.duplicates.decision_gold import project_decision
from backend.workflow.duplicates.normal_form import ProjectionError
from backend.workflow.gold.settle import settle
from ml_backend.contract.entity import Entity, first_overlap


@dataclass(frozen=True, slots=True)
class Decided:
    """The decision, the documents that have it now, and those on whose text it has no place."""

    adjudication: Adjudication
    documents: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def decide(
    session: Session,
    project: Project,
    document: Document,
    entities: Sequence[Entity],
    *,
    made_by: str,
    account_id: int | None = None,
    reason: str = "",
) -> Decided:
    """Make these entities the gold of a document and of its exact copies.

    `project` must be held (`locked_project`). Raises InvalidInputError for entities that gold
    cannot have. A copy with an entity edge inside what is one character there is refused by name.
    """
    wanted = _checked(project, document, entities)
    adjudication = Adjudication(
        project_id=project.id,
        group_key=document.group_key,
        document_id=document.id,
        entities=[entity.to_dict() for entity in wanted],
        account_id=account_id,
        made_by=made_by,
        reason=reason,
    )
    session.add(adjudication)
    session.flush()
    project.gold_revision += 1
    decided = Decided(adjudication)
    rows: list[NewGold] = []
    for copy in group_documents(session, project.id, document.group_key):
        try:
            its = project_decision(adjudication, document.text, copy, settings_of(project).casefold)
        except ProjectionError as error:
            decided.refused[copy.external_id] = str(error)
            continue
        gold = session.get(Gold, copy.id)
        if gold is not None and gold.source == GoldSource.IMPORTED:
            copy.imported_gold = gold.entities
        rows.append(
            NewGold(
                document_id=copy.id,
                entities=its,
                source=GoldSource.DECISION,
                revision=project.gold_revision,
                updated_at=adjudication.created_at,
                account_id=account_id,
                adjudication_id=adjudication.id,
            )
        )
        decided.documents.append(copy.external_id)
    put_gold(session, project, rows)
    settle_findings(session, project.id, document.group_key)
    record(
        session,
        made_by,
        "conflict.decide",
        project_id=project.id,
        subject=f"document {document.external_id}",
        after={"decision": adjudication.id, "documents": len(decided.documents)},
    )
    session.flush()
    return decided


def withdraw(
    session: Session,
    project: Project,
    document: Document,
    *,
    made_by: str,
    seen: int | None = None,
) -> list[str]:
    """Take the standing decision about a document's text back; the documents that it leaves.

    An earlier decision that was not withdrawn stands again. `project` must be held. `seen` is the
    decision that is meant, None for whichever stands. Raises ConflictError when none stands, or
    another than the one that is meant.
    """
    adjudication = standing(session, project.id, document.group_key)
    if adjudication is None:
        raise ConflictError(f"nobody has decided about {document.external_id!r}")
    if seen is not None and adjudication.id != seen:
        raise ConflictError("what is said of these copies has changed meanwhile: look again")
    adjudication.withdrawn_at = now()
    session.flush()
    left = []
    for copy in decided_documents(session, adjudication):
        settle(session, project, copy)
        left.append(copy.external_id)
    stands = standing(session, project.id, document.group_key) is not None
    settle_findings(session, project.id, document.group_key, settled=stands)
    record(
        session,
        made_by,
        "conflict.withdraw",
        project_id=project.id,
        subject=f"document {document.external_id}",
        before={"decision": adjudication.id, "documents": len(left)},
    )
    return left


def _checked(project: Project, document: Document, entities: Sequence[Entity]) -> list[Entity]:
    length = len(document.text)
    wanted = sorted(Entity(one.start, one.end, one.label) for one in set(entities))
    for entity in wanted:
        if not 0 <= entity.start < entity.end <= length:
            raise InvalidInputError(f"[{entity.start}, {entity.end}) is not in the text")
        if entity.label not in project.labels:
            raise InvalidInputError(f"label not in the project: {entity.label!r}")
    overlap = first_overlap(wanted)
    if overlap is not None:
        raise InvalidInputError(f"two entities overlap: {overlap[0].key} and {overlap[1].key}")
    return wanted
