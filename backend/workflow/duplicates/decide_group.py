"""What is said of one group of copies, and a decision about it by somebody who has seen it so.

Among exact copies a decision is the gold of all. Near copies differ in their text: those that
disagree take over what the chosen reading says of the text that they share, and keep the rest.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy.orm import Session

from backend.db.adjudications import standing
from backend.db.claims import Claim, claims_about
from backend.db.projects import settings_of
from backend.db.surveys import settle_findings
from backend.db.tables import Document, Project
from backend.db.tables_of_labels import Adjudication
from backend.errors import ConflictError, InvalidInputError, NotFoundError
from backend.workflow.duplicates.adjudicate import Decided, decide, withdraw
from backend.workflow.duplicates.conflicts import (
    Conflict,
    conflict_among,
    near_conflict_among,
    same_pieces,
    shared,
)
from backend.workflow.duplicates.normal_form import entities_of_form, normal_entities, normal_form
from ml_backend.contract.entity import Entity, read_entities


@dataclass(frozen=True, slots=True)
class GroupReading:
    """What is said of a document's copies and near copies now; `state` names exactly that."""

    document: Document
    claims: list[Claim]
    exact: Conflict | None
    near: Conflict | None
    standing: Adjudication | None
    state: str


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides and why; having seen which state, None for whatever it is."""

    seen: str | None
    made_by: str
    account_id: int | None = None
    reason: str = ""


def read_group(session: Session, project: Project, document: Document) -> GroupReading:
    """Read what is said of a document's copies; a few short queries."""
    casefold = settings_of(project).casefold
    claims = claims_about(session, document)
    own = [claim for claim in claims if claim.group_key == document.group_key]
    several = len({claim.group_key for claim in claims}) > 1
    stands = standing(session, project.id, document.group_key)
    said = [(one.document_id, one.source, one.who, one.entities) for one in claims]
    digest = hashlib.sha256(orjson.dumps([stands.id if stands else 0, said])).hexdigest()
    return GroupReading(
        document,
        claims,
        conflict_among(own, casefold) if len(own) > 1 else None,
        near_conflict_among(claims, casefold) if several else None,
        stands,
        digest[:32],
    )


def choose(
    session: Session,
    project: Project,
    document: Document,
    kind: str,
    number: int | None,
    by: Decider,
) -> list[Decided]:
    """Decide that a variant of the group's `exact` or `near` conflict is right.

    1 is the first; without a number it is the one with most votes. The project must be held.
    Raises ConflictError when what is said is not what was seen, when there is no such conflict or
    no majority in it, and InvalidInputError for a variant that there is not.
    """
    group = _as_seen(session, project, document, by)
    conflict = group.exact if kind == "exact" else group.near
    if conflict is None:
        raise ConflictError(f"the {kind} copies of {document.external_id!r} agree")
    if number is None and not conflict.majority:
        raise ConflictError("no variant has more votes than the others: name one")
    number = number or 1
    if not 1 <= number <= len(conflict.variants):
        raise InvalidInputError(f"there are {len(conflict.variants)} variants")
    right = conflict.variants[number - 1].first
    if kind == "exact":
        return [_decide(session, project, right, read_entities(right.entities, right.text), by)]
    casefold = settings_of(project).casefold
    decided = [
        _decide(session, project, wrong, carried_over(right, wrong, casefold), by)
        for variant in conflict.variants
        if variant is not conflict.variants[number - 1]
        for wrong in variant.claims
    ]
    settle_findings(session, project.id, conflict.subject)
    return decided


def put_together(
    session: Session,
    project: Project,
    document: Document,
    entities: Sequence[Entity],
    by: Decider,
) -> Decided:
    """Decide that these entities, and no others, are a document's gold and that of its copies."""
    _as_seen(session, project, document, by)
    return decide(
        session,
        project,
        document,
        entities,
        made_by=by.made_by,
        account_id=by.account_id,
        reason=by.reason,
    )


def take_back(
    session: Session,
    project: Project,
    document: Document,
    *,
    made_by: str,
    seen: int | None = None,
) -> list[str]:
    """Take the standing decision about a document back; the documents that it leaves.

    Raises ConflictError when none stands, or another than the one that was seen.
    """
    left = withdraw(session, project, document, made_by=made_by, seen=seen)
    if document.near_id is not None:
        settle_findings(session, project.id, f"near {document.near_id}", settled=False)
    return left


def take_back_decisions(
    session: Session, project: Project, decisions: Sequence[int], *, made_by: str
) -> list[str]:
    """Take exactly these decisions back, the newest first; the documents that they leave.

    Raises NotFoundError for one that the project does not have, and ConflictError for one that
    does not stand any more.
    """
    left = []
    for number in sorted(set(decisions), reverse=True):
        adjudication = session.get(Adjudication, number)
        if adjudication is None or adjudication.project_id != project.id:
            raise NotFoundError("decision", number)
        document = session.get_one(Document, adjudication.document_id)
        left += take_back(session, project, document, made_by=made_by, seen=number)
    return left


def carried_over(right: Claim, wrong: Claim, casefold: bool) -> list[Entity]:
    """A near copy's entities with what another says of the text that both share.

    Raises ProjectionError where an edge falls inside a character of the copy.
    """
    form, other = normal_form(right.text, casefold), normal_form(wrong.text, casefold)
    normal = {
        one: Entity(*normal_entities([one], wrong.text, casefold)[0])
        for one in read_entities(wrong.entities, wrong.text)
    }
    said = normal_entities(read_entities(right.entities, right.text), right.text, casefold)
    ours, theirs = shared(
        form, frozenset(Entity(*one) for one in said), other, frozenset(normal.values())
    )
    kept = [one for one, its in normal.items() if its not in theirs or theirs[its] in ours]
    agreed = set(theirs.values())
    missing = [
        Entity(one.start - start + begins, one.end - start + begins, one.label)
        for start, end, begins in same_pieces(form, other)
        for one in ours - agreed
        if start <= one.start and one.end <= end
    ]
    return sorted([*kept, *entities_of_form(missing, wrong.text, casefold)])


def _as_seen(session: Session, project: Project, document: Document, by: Decider) -> GroupReading:
    group = read_group(session, project, document)
    if by.seen is not None and group.state != by.seen:
        raise ConflictError("what is said of these copies has changed meanwhile: look again")
    return group


def _decide(
    session: Session, project: Project, claim: Claim, entities: Sequence[Entity], by: Decider
) -> Decided:
    return decide(
        session,
        project,
        session.get_one(Document, claim.document_id),
        entities,
        made_by=by.made_by,
        account_id=by.account_id,
        reason=by.reason,
    )
