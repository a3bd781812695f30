"""What asks a curator about gold: doubts, a piece of it each, and errors of the champion, all of a
document's gold each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy.orm import Session

from backend.db import differences, doubts
from backend.db.tables import Document, Gold, Project, Version
from backend.db.tables_of_doubts import Doubt, DoubtDecision
from backend.db.tables_of_errors import DifferingDocument, ErrorDecision
from backend.db.tables_of_review import Verdict
from backend.workflow.autolabels.items import as_gold
from ml_backend.contract.entity import Entity

Asking: TypeAlias = Doubt | DifferingDocument
Decision: TypeAlias = DoubtDecision | ErrorDecision


@dataclass(frozen=True, slots=True)
class ReviewKind:
    """One kind of what asks: a row of `asking`, an Asking, decided about by a row of `decision`.

    `kept` names what a decision keeps of it, column by attribute. `standing` is the decision that
    was not taken back; `proposed` what gold would be, and why; `settle` lets the rest follow a
    decision that was made or taken back.
    """

    name: str
    asking: type[Any]
    decision: type[Any]
    kept: Mapping[str, str]
    standing: Callable[[Session, Any], Decision | None]
    proposed: Callable[[Session, Project, Any, Document], tuple[list[Entity], str]]
    settle: Callable[[Session, Document, Any], None]


def asked_about(decision: Decision) -> int:
    """The number under which was asked what a decision is about."""
    return decision.doubt_id if isinstance(decision, DoubtDecision) else decision.document_id


def after(gold: Gold, doubt: Doubt, length: int) -> list[Entity]:
    """What a document's gold would be with the proposal in place of what a doubt is about."""
    goes = {_key(one) for one in doubt.gold}
    stays = [one for one in gold.entities if _key(one) not in goes]
    return [Entity.from_dict(one, length=length) for one in [*stays, *doubt.proposal]]


def _proposed_by_doubt(
    session: Session, _project: Project, doubt: Doubt, document: Document
) -> tuple[list[Entity], str]:
    gold = session.get_one(Gold, document.id)
    return after(gold, doubt, len(document.text)), f"doubt {doubt.id}"


def _settle_doubt(session: Session, document: Document, decision: DoubtDecision) -> None:
    """The doubt shows its verdict; those of the document that nobody has decided about are about
    the gold that it has now, where that holds what they doubt."""
    doubt = session.get(Doubt, decision.doubt_id)
    if doubt is not None:
        taken_back = decision.withdrawn_at is not None
        doubt.verdict = doubts.NOBODY if taken_back else decision.verdict
        session.flush()
    gold = session.get(Gold, document.id)
    if gold is None:
        return
    there = {_key(one) for one in gold.entities}
    for other in doubts.doubts_of(session, document.id):
        its = {_key(one) for one in other.gold}
        touched = {
            _key(one)
            for one in gold.entities
            if any(_overlap(one, entity) for entity in [*other.gold, *other.proposal])
        }
        if its <= there and touched == its:
            other.gold_revision = gold.revision
    session.flush()


def _proposed_by_champion(
    session: Session, project: Project, found: DifferingDocument, document: Document
) -> tuple[list[Entity], str]:
    version = session.get_one(Version, found.version_id)
    records = as_gold(found.entities, project, version)
    entities = [Entity.from_dict(one, length=len(document.text)) for one in records]
    return entities, f"{version.name} is right"


def _settle_error(session: Session, document: Document, decision: ErrorDecision) -> None:
    """Gold that was given back is compared anew."""
    if decision.verdict == Verdict.MODEL and decision.withdrawn_at is not None:
        differences.forget_differences(session, decision.project_id, [document.id])


def _key(entity: Mapping[str, Any]) -> tuple[int, int, str]:
    return entity["start"], entity["end"], entity["label"]


def _overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["start"] < other["end"] and other["start"] < one["end"])


DOUBTS = ReviewKind(
    "doubt",
    Doubt,
    DoubtDecision,
    {"doubt_id": "id", "kind": "kind", "gold": "gold", "proposal": "proposal"},
    doubts.doubt_decision,
    _proposed_by_doubt,
    _settle_doubt,
)
ERRORS = ReviewKind(
    "difference in document",
    DifferingDocument,
    ErrorDecision,
    {"version_id": "version_id"},
    differences.error_decision,
    _proposed_by_champion,
    _settle_error,
)
