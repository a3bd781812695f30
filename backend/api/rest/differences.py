"""Documents whose gold is not what the champion says, and what a curator decides about each."""

from typing import Annotated

from pydantic import Field, StringConstraints

from backend.api.rest import review
from backend.api.rest.fields import Done, Id, Json, Key, Page, Paged, Sentence, Share, Strict, Told
from backend.api.rest.operation import Operations
from backend.api.rest.review import ReviewTold, SentTold, VerdictGiven
from backend.db import differences
from backend.db.differences import Place, Wanted
from backend.db.projects import project_by_key
from backend.loop.compare_gold import COMPARE_GOLD
from backend.opened import opened
from backend.workflow.review.kinds import ERRORS
from ml_backend.contract.messages import DEFAULT_QUEUE

differing = Operations("Errors")

CURSOR = r"^(0|1|0?\.[0-9]{1,20}|[01]\.[0-9]{1,20}|[0-9]\.?[0-9]{0,20}e-[0-9]{1,3})-[0-9]{1,18}$"


class WantedDifferences(Strict):
    """Which documents; empty or 0 is all."""

    kind: Annotated[Sentence, Field(max_length=20, description="missed, spurious, …")] = ""
    label: Annotated[Sentence, Field(max_length=200)] = ""
    least: Annotated[Share, Field(description="of the champion's confidence")] = 0.0
    after: Annotated[
        str | None, StringConstraints(pattern=CURSOR), Field(description="`next` of before")
    ] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class DifferenceTold(Told):
    """A document, and what the champion says of it; `gold_revision` names the gold it is about."""

    document_id: int
    external_id: str
    text: str
    confidence: float
    predicted: list[Json]
    gold: list[Json]
    gold_revision: int
    differences: list[Json]


class Differences(Told):
    """Some documents, the surest of the champion first."""

    items: list[DifferenceTold]
    next: str | None


@differing.get("/projects/{key}/differences")
def list_differences(key: Key, query: WantedDifferences) -> Differences:
    """Documents whose gold is not what the champion says, and that nobody has decided about."""
    wanted = Wanted(query.kind, query.label, query.least)
    after = None
    if query.after is not None:
        confidence, _, number = query.after.rpartition("-")
        after = Place(float(confidence), int(number))
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = differences.differing(session, project.id, wanted, after, query.limit + 1)
        shown = found[: query.limit]
        ids = [one.document_id for one, _ in shown]
        kinds = differences.kinds_of(session, ids)
        gold = {row.document.id: row.gold for row in differences.gold_to_compare(session, ids)}
    last = shown[-1][0] if len(found) > query.limit else None
    return Differences(
        items=[
            DifferenceTold(
                document_id=document.id,
                external_id=document.external_id,
                text=document.text,
                confidence=one.confidence,
                predicted=one.entities,
                gold=gold[document.id].entities,
                gold_revision=one.gold_revision,
                differences=[{"kind": kind, "label": label} for kind, label in kinds[document.id]],
            )
            for one, document in shown
            if document.id in gold
        ],
        next=f"{last.confidence!r}-{last.document_id}" if last else None,
    )


@differing.get("/projects/{key}/differences/sent")
def list_sent_differences(key: Key, query: Paged) -> Page[SentTold]:
    """Documents that went back to annotators, the last first."""
    return review.list_sent(ERRORS, key, query)


@differing.post("/projects/{key}/differences/{document_id}/decision")
def decide_difference(key: Key, document_id: Id, body: VerdictGiven) -> ReviewTold:
    """The gold is right, the model is right, or the document goes back to annotators."""
    return review.decide(ERRORS, key, document_id, body)


@differing.post("/projects/{key}/differences/decisions/{decision_id}/undo")
def undo_difference(key: Key, decision_id: Id) -> ReviewTold:
    """Take such a decision back."""
    return review.undo(ERRORS, key, decision_id)


@differing.post("/projects/{key}/differences/compare", status=202)
def compare_differences(key: Key) -> Done:
    """Let a job compare what is new in gold with the champion."""
    with opened().database.read() as session:
        project_id = project_by_key(session, key).id
    job_id = f"{COMPARE_GOLD}-{project_id}"
    opened().queue.ring(DEFAULT_QUEUE, COMPARE_GOLD, project_id, job_id=job_id)
    return Done(message="a worker compares the gold with the champion")
