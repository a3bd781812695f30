"""Decisions about gold that may be wrong, alike for doubts and for errors of the champion."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from backend.api.rest.asking import caller
from backend.api.rest.fields import Page, Paged, Strict, Told, page
from backend.db.projects import project_by_key
from backend.db.review import SentBack, sent_back
from backend.db.tables_of_review import Verdict
from backend.db.versions import locked_project
from backend.loop import review as loop
from backend.opened import opened
from backend.workflow.review import decide as review
from backend.workflow.review.kinds import Decision, ReviewKind, asked_about


class VerdictGiven(Strict):
    """Who is right; the decision is refused when the gold has changed since it was seen."""

    verdict: Verdict
    gold_revision: Annotated[int, Field(ge=0, le=2**63 - 1)]


class ReviewTold(Told):
    """A decision, and the number of the doubt or of the document that it is `about`.

    `to_reopen` while Label Studio has yet to open the task again.
    """

    id: int
    about: int
    document_id: int
    verdict: Verdict
    made_by: str
    to_reopen: bool


class SentTold(Told):
    """What went back to people, and the number of the doubt or of the document that it is `about`.

    `answered` once the gold has changed since.
    """

    about: int
    decision_id: int
    document_id: int
    external_id: str
    sent_by: str
    sent_at: datetime
    answered: bool


def list_sent(kind: ReviewKind, key: str, query: Paged) -> Page[SentTold]:
    """What decisions of one kind sent back, the last first."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = sent_back(session, kind.decision, project.id, query.start, query.limit + 1)
    return page(found, query.limit, key=lambda row: row.decision.id, told=_sent)


def decide(kind: ReviewKind, key: str, number: int, body: VerdictGiven) -> ReviewTold:
    """Keep a verdict, and do what it says."""
    with opened().database.read() as session:
        project_id = project_by_key(session, key).id
    by = caller().email
    return _told(
        loop.decide(opened(), project_id, kind, number, body.gold_revision, body.verdict, by)
    )


def undo(kind: ReviewKind, key: str, decision_id: int) -> ReviewTold:
    """Take a decision back."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        return _told(review.undo(session, project, kind, decision_id, caller().email))


def _told(decision: Decision) -> ReviewTold:
    return ReviewTold(
        id=decision.id,
        about=asked_about(decision),
        document_id=decision.document_id,
        verdict=Verdict(decision.verdict),
        made_by=decision.made_by,
        to_reopen=decision.to_reopen,
    )


def _sent(row: SentBack) -> SentTold:
    return SentTold(
        about=asked_about(row.decision),
        decision_id=row.decision.id,
        document_id=row.document.id,
        external_id=row.document.external_id,
        sent_by=row.decision.made_by,
        sent_at=row.decision.created_at,
        answered=row.answered,
    )
