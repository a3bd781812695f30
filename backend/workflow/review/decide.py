"""What a curator decides where gold may be wrong: the gold is right, the model is, or people look
again.

What asks is of a kind (`kinds.py`): a doubt, or an error of the champion. Each has gold and
a proposal in its place. A decision names the gold that it was about: when that has changed
meanwhile, it is refused.
"""

from sqlalchemy.orm import Session

from backend.db.accounts import account_by_email
from backend.db.adjudications import standing
from backend.db.audit_log import record
from backend.db.tables import Document, Gold, Project, TaskState, now
from backend.db.tables_of_review import Verdict
from backend.errors import ConflictError, NotFoundError
from backend.workflow.duplicates import adjudicate
from backend.workflow.review.kinds import Asking, Decision, ReviewKind

_TOLD = {
    Verdict.GOLD: "the gold is right",
    Verdict.MODEL: "the model is right",
    Verdict.SENT: "people look again",
}


def decide(
    session: Session,
    project: Project,
    kind: ReviewKind,
    number: int,
    revision: int,
    verdict: Verdict,
    by: str,
) -> Decision:
    """Keep a verdict on what asks under a number, and do what it says.

    GOLD: this is not asked again while the gold stays. MODEL: what it says is gold now, of exact
    copies too. SENT: a document without a task is given the next place in the queue; a task that is
    done is noted to be opened again in Label Studio. `project` must be held (`locked_project`).

    Raises NotFoundError, ConflictError when the gold has changed or somebody has decided already,
    and InvalidInputError for what gold cannot be.
    """
    asking = _undecided(session, project, kind, number, revision)
    document = session.get_one(Document, asking.document_id)
    decision: Decision = kind.decision(
        **{column: getattr(asking, name) for column, name in kind.kept.items()},
        project_id=project.id,
        document_id=document.id,
        verdict=verdict,
        gold_revision=revision,
        to_reopen=False,
        made_by=by,
    )
    if verdict == Verdict.MODEL:
        _follow(session, project, kind, asking, document, decision)
    elif verdict == Verdict.SENT:
        _send_back(project, document, decision)
    session.add(decision)
    session.flush()
    kind.settle(session, document, decision)
    subject = f"document {document.id}"
    record(session, by, "review.decide", project_id=project.id, subject=subject, after=verdict)
    return decision


def undo(
    session: Session, project: Project, kind: ReviewKind, decision_id: int, by: str
) -> Decision:
    """Take a decision back, so that it is asked again; `project` must be held.

    Raises NotFoundError, and ConflictError when it was taken back already, or what it did cannot be
    undone any more.
    """
    decision: Decision | None = session.get(kind.decision, decision_id, with_for_update=True)
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
    elif not may_undo(document, decision):
        raise ConflictError(f"{document.external_id} is with people already")
    elif decision.queue_number is not None and document.queue_number == decision.queue_number:
        document.queue_number = None  # else the place is another's
    decision.withdrawn_at, decision.to_reopen = now(), False
    session.flush()
    kind.settle(session, document, decision)
    subject, before = f"document {document.id}", decision.verdict
    record(session, by, "review.undo", project_id=project.id, subject=subject, before=before)
    return decision


def may_undo(document: Document, decision: Decision) -> bool:
    """Whether a decision that was just made can be taken back: a reopened task cannot."""
    sent = decision.verdict == Verdict.SENT
    return not sent or document.task_state is None or decision.to_reopen


def _undecided(
    session: Session, project: Project, kind: ReviewKind, number: int, revision: int
) -> Asking:
    asking: Asking | None = session.get(kind.asking, number)
    if asking is None or asking.project_id != project.id:
        raise NotFoundError(kind.name, number)
    gold = session.get(Gold, asking.document_id)
    if gold is None or gold.revision != revision or asking.gold_revision != revision:
        raise ConflictError(f"the gold of document {asking.document_id} has changed meanwhile")
    before = kind.standing(session, asking)
    if before is not None:
        told = _TOLD[Verdict(before.verdict)]
        raise ConflictError(f"{before.made_by} has decided already: {told}")
    return asking


def _follow(
    session: Session,
    project: Project,
    kind: ReviewKind,
    asking: Asking,
    document: Document,
    decision: Decision,
) -> None:
    entities, reason = kind.proposed(session, project, asking, document)
    account = account_by_email(session, decision.made_by)
    decided = adjudicate.decide(
        session,
        project,
        document,
        entities,
        made_by=decision.made_by,
        account_id=account.id if account is not None else None,
        reason=reason,
    )
    decision.adjudication_id = decided.adjudication.id


def _send_back(project: Project, document: Document, decision: Decision) -> None:
    if project.writable_id is None:
        raise ConflictError("the project is not connected with Label Studio")
    if document.task_state == TaskState.DELETED:
        raise ConflictError(f"the task of document {document.id} is gone from Label Studio")
    if document.task_state is None and document.queue_number is None:
        project.last_queue_number += 1
        decision.queue_number = document.queue_number = project.last_queue_number
    decision.to_reopen = document.task_state == TaskState.DONE
