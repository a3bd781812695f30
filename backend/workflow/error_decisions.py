"""What a curator decides where champion and gold differ: the gold is right, the model is, or people
look again.

Each names the gold that it was about: when that has changed meanwhile, the decision is refused.
"""

from sqlalchemy.orm import Session

from backend.db.accounts import account_by_email
from backend.db.adjudications import standing
from backend.db.audit_log import record
from backend.db.differences import standing_decision
from backend.db.tables import Document, Gold, Project, Version, now
from backend.db.tables_of_errors import DifferingDocument, ErrorDecision, Verdict
from backend.errors import ConflictError, NotFoundError
from backend.workflow import adjudicate
from backend.workflow.autolabel_items import as_gold
from ml_backend.contract.entity import Entity

_TOLD = {
    Verdict.GOLD: "the gold is right",
    Verdict.MODEL: "the model is right",
    Verdict.SENT: "people look again",
}


def uphold_gold(
    session: Session, project: Project, document_id: int, revision: int, by: str
) -> ErrorDecision:
    """The gold is right: the difference is not shown again while the gold stays.

    `project` must be held (`locked_project`). Raises NotFoundError, and ConflictError when the gold
    has changed or somebody has decided already.
    """
    found = undecided(session, project, document_id, revision)
    return _decided(session, project, found, Verdict.GOLD, by)


def follow_model(
    session: Session, project: Project, document_id: int, revision: int, by: str
) -> ErrorDecision:
    """The model is right: what it says is the gold of the document and of its exact copies.

    `project` must be held. Raises as `uphold_gold` does, and InvalidInputError for what gold cannot
    be.
    """
    found = undecided(session, project, document_id, revision)
    document = session.get_one(Document, document_id)
    version = session.get_one(Version, found.version_id)
    entities = [
        Entity.from_dict(one, length=len(document.text))
        for one in as_gold(found.entities, project, version)
    ]
    account = account_by_email(session, by)
    decided = adjudicate.decide(
        session,
        project,
        document,
        entities,
        made_by=by,
        account_id=account.id if account is not None else None,
        reason=f"{version.name} is right",
    )
    return _decided(session, project, found, Verdict.MODEL, by, decided.adjudication.id)


def send_back(
    session: Session, project: Project, document_id: int, revision: int, by: str
) -> ErrorDecision:
    """People look again: a document without a task is given the next place in the queue.

    A task that is there has to be reopened in Label Studio before. `project` must be held. Raises
    as `uphold_gold` does.
    """
    found = undecided(session, project, document_id, revision)
    document = session.get_one(Document, document_id)
    decision = _decided(session, project, found, Verdict.SENT, by)
    if document.task_state is None and document.queue_number is None:
        project.last_queue_number += 1
        document.queue_number = decision.queue_number = project.last_queue_number
    return decision


def undo(session: Session, project: Project, decision_id: int, by: str) -> ErrorDecision:
    """Take a decision back; `project` must be held.

    Raises NotFoundError, and ConflictError when it was taken back already, or what it did cannot be
    undone any more.
    """
    decision = session.get(ErrorDecision, decision_id, with_for_update=True)
    if decision is None or decision.project_id != project.id:
        raise NotFoundError("decision", decision_id)
    if decision.withdrawn_at is not None:
        raise ConflictError(f"decision {decision_id} was taken back already")
    document = session.get_one(Document, decision.document_id)
    if decision.verdict == Verdict.MODEL:
        stands = standing(session, project.id, document.group_key)
        if stands is None or stands.id != decision.adjudication_id:
            raise ConflictError(f"{document.external_id} was decided about anew since")
        adjudicate.withdraw(session, project, document, made_by=by)
    elif decision.verdict == Verdict.SENT:
        if document.task_state is not None:
            raise ConflictError(f"{document.external_id} is with people already")
        if document.queue_number == decision.queue_number:  # else the place was somebody else's
            document.queue_number = None
    decision.withdrawn_at = now()
    record(
        session,
        by,
        "error.undo",
        project_id=project.id,
        subject=f"document {document.id}",
        before=decision.verdict,
    )
    session.flush()
    return decision


def undecided(
    session: Session, project: Project, document_id: int, revision: int
) -> DifferingDocument:
    """What is to be decided about; raises NotFoundError, and ConflictError when it no more is."""
    found = session.get(DifferingDocument, document_id)
    if found is None or found.project_id != project.id:
        raise NotFoundError("difference in document", document_id)
    gold = session.get(Gold, document_id)
    if gold is None or gold.revision != revision or found.gold_revision != revision:
        raise ConflictError(f"the gold of document {document_id} has changed meanwhile")
    before = standing_decision(session, document_id, revision)
    if before is not None:
        told = _TOLD[Verdict(before.verdict)]
        raise ConflictError(f"{before.made_by} has decided already: {told}")
    return found


def may_undo(document: Document, decision: ErrorDecision) -> bool:
    """Whether a decision that was just made can be taken back: a reopened task cannot."""
    return decision.verdict != Verdict.SENT or document.task_state is None


def _decided(
    session: Session,
    project: Project,
    found: DifferingDocument,
    verdict: Verdict,
    by: str,
    adjudication_id: int | None = None,
) -> ErrorDecision:
    decision = ErrorDecision(
        project_id=project.id,
        document_id=found.document_id,
        version_id=found.version_id,
        verdict=verdict,
        gold_revision=found.gold_revision,
        adjudication_id=adjudication_id,
        made_by=by,
    )
    session.add(decision)
    session.flush()
    record(
        session,
        by,
        "error.decide",
        project_id=project.id,
        subject=f"document {found.document_id}",
        after=verdict,
    )
    return decision
