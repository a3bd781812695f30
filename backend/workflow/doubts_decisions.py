"""What a curator decides about a doubt: the gold is right, the proposal is, or people look again.

Each names the gold that it was about: when that has changed meanwhile, the decision is refused.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from backend.db import doubts
from backend.db.accounts import account_by_email
from backend.db.adjudications import standing
from backend.db.audit_log import record
from backend.db.tables import Document, Gold, Project, now
from backend.db.tables_of_doubts import Doubt, DoubtDecision, DoubtVerdict
from backend.errors import ConflictError, NotFoundError
from backend.workflow import adjudicate
from ml_backend.contract.entity import Entity

_TOLD = {
    DoubtVerdict.GOLD: "the gold is right",
    DoubtVerdict.PROPOSAL: "the proposal is right",
    DoubtVerdict.SENT: "people look again",
}


def uphold(
    session: Session, project: Project, doubt_id: int, revision: int, by: str
) -> DoubtDecision:
    """The gold is right: this piece of it is not asked about again while it stays.

    `project` must be held (`locked_project`). Raises NotFoundError, and ConflictError when the gold
    has changed or somebody has decided already.
    """
    doubt = undecided(session, project, doubt_id, revision)
    return _decided(session, project, doubt, DoubtVerdict.GOLD, by)


def take(
    session: Session, project: Project, doubt_id: int, revision: int, by: str
) -> DoubtDecision:
    """The proposal is right: it is gold now in place of what was there, of exact copies too.

    The document's other doubts stay open. `project` must be held. Raises as `uphold` does, and
    InvalidInputError for what gold cannot be.
    """
    doubt = undecided(session, project, doubt_id, revision)
    document = session.get_one(Document, doubt.document_id)
    account = account_by_email(session, by)
    decided = adjudicate.decide(
        session,
        project,
        document,
        after(session.get_one(Gold, document.id), doubt, len(document.text)),
        made_by=by,
        account_id=account.id if account is not None else None,
        reason=f"doubt {doubt.id}",
    )
    decision = _decided(session, project, doubt, DoubtVerdict.PROPOSAL, by)
    decision.adjudication_id = decided.adjudication.id
    _stay_open(session, document)
    return decision


def send_back(
    session: Session, project: Project, doubt_id: int, revision: int, by: str
) -> DoubtDecision:
    """People look again: a document without a task is given the next place in the queue.

    A task that is there has to be reopened in Label Studio before. `project` must be held. Raises
    as `uphold` does.
    """
    doubt = undecided(session, project, doubt_id, revision)
    document = session.get_one(Document, doubt.document_id)
    decision = _decided(session, project, doubt, DoubtVerdict.SENT, by)
    if document.task_state is None and document.queue_number is None:
        project.last_queue_number += 1
        decision.queue_number = document.queue_number = project.last_queue_number
    return decision


def undo(session: Session, project: Project, decision_id: int, by: str) -> DoubtDecision:
    """Take a decision back: its doubt waits again; `project` must be held.

    Raises NotFoundError, and ConflictError when it was taken back already, or what it did cannot be
    undone any more.
    """
    decision = session.get(DoubtDecision, decision_id, with_for_update=True)
    if decision is None or decision.project_id != project.id:
        raise NotFoundError("decision", decision_id)
    if decision.withdrawn_at is not None:
        raise ConflictError(f"decision {decision_id} was taken back already")
    document = session.get_one(Document, decision.document_id)
    if decision.verdict == DoubtVerdict.PROPOSAL:
        stands = standing(session, project.id, document.group_key)
        if stands is None or stands.id != decision.adjudication_id:
            raise ConflictError(f"{document.external_id} was decided about anew since")
        adjudicate.withdraw(session, project, document, made_by=by)
    elif decision.verdict == DoubtVerdict.SENT:
        if document.task_state is not None:
            raise ConflictError(f"{document.external_id} is with people already")
        if document.queue_number == decision.queue_number:
            document.queue_number = None
    decision.withdrawn_at = now()
    doubt = session.get(Doubt, decision.doubt_id)
    if doubt is not None:
        doubt.verdict = doubts.NOBODY
    _stay_open(session, document)
    record(
        session,
        by,
        "doubt.undo",
        project_id=project.id,
        subject=f"document {document.id}",
        before=decision.verdict,
    )
    session.flush()
    return decision


def undecided(session: Session, project: Project, doubt_id: int, revision: int) -> Doubt:
    """What is to be decided about; raises NotFoundError, and ConflictError when it no more is."""
    doubt = session.get(Doubt, doubt_id)
    if doubt is None or doubt.project_id != project.id:
        raise NotFoundError("doubt", doubt_id)
    gold = session.get(Gold, doubt.document_id)
    if gold is None or gold.revision != revision or doubt.gold_revision != revision:
        raise ConflictError(f"the gold of document {doubt.document_id} has changed meanwhile")
    before = doubts.standing_verdict(session, doubt_id)
    if before is not None:
        told = _TOLD[DoubtVerdict(before.verdict)]
        raise ConflictError(f"{before.made_by} has decided already: {told}")
    return doubt


def may_undo(document: Document, decision: DoubtDecision) -> bool:
    """Whether a decision that was just made can be taken back: a reopened task cannot."""
    return decision.verdict != DoubtVerdict.SENT or document.task_state is None


def after(gold: Gold, doubt: Doubt, length: int) -> list[Entity]:
    """What a document's gold would be with the proposal in place of what it doubts."""
    goes = {_key(one) for one in doubt.gold}
    stays = [one for one in gold.entities if _key(one) not in goes]
    return [Entity.from_dict(one, length=length) for one in [*stays, *doubt.proposal]]


def _stay_open(session: Session, document: Document) -> None:
    """Let the document's open doubts be about the gold that it has now, where that holds them."""
    session.flush()
    gold = session.get(Gold, document.id)
    if gold is None:
        return
    there = {_key(one) for one in gold.entities}
    for doubt in doubts.doubts_of(session, document.id):
        its = {_key(one) for one in doubt.gold}
        touched = {
            _key(one)
            for one in gold.entities
            if any(_overlap(one, other) for other in [*doubt.gold, *doubt.proposal])
        }
        if its <= there and touched == its:
            doubt.gold_revision = gold.revision
    session.flush()


def _key(entity: Mapping[str, Any]) -> tuple[int, int, str]:
    return entity["start"], entity["end"], entity["label"]


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["start"] < other["end"] and other["start"] < one["end"])


def _decided(
    session: Session, project: Project, doubt: Doubt, verdict: DoubtVerdict, by: str
) -> DoubtDecision:
    doubt.verdict = verdict
    decision = DoubtDecision(
        project_id=project.id,
        document_id=doubt.document_id,
        doubt_id=doubt.id,
        verdict=verdict,
        kind=doubt.kind,
        gold=doubt.gold,
        proposal=doubt.proposal,
        gold_revision=doubt.gold_revision,
        made_by=by,
    )
    session.add(decision)
    session.flush()
    record(
        session,
        by,
        "doubt.decide",
        project_id=project.id,
        subject=f"document {doubt.document_id}",
        after=verdict,
    )
    return decision
