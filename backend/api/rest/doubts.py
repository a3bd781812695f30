"""Gold that may be wrong: have it looked for, the queue, and what a curator decides about each."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from backend.api.rest import review
from backend.api.rest.asking import caller
from backend.api.rest.fields import Done, Id, Json, Key, Page, Paged, Sentence, Told, page
from backend.api.rest.operation import Operations
from backend.api.rest.review import ReviewTold, SentTold, VerdictGiven
from backend.db import doubts
from backend.db.doubts import WantedDoubts
from backend.db.projects import project_by_key
from backend.db.tables import Document
from backend.db.tables_of_doubts import Doubt
from backend.errors import NotFoundError
from backend.loop import doubts as looking
from backend.opened import opened
from backend.workflow.review.kinds import DOUBTS

doubting = Operations("Label errors")


class WantedOnes(Paged):
    """Which doubts; empty is all."""

    kind: Annotated[Sentence, Field(max_length=20, description="missed, spurious, …")] = ""
    label: Annotated[Sentence, Field(max_length=200)] = ""
    documents: bool = Field(False, description="of each document only the most doubtful one")


class DoubtTold(Told):
    """A piece of a document's gold and what it may be instead.

    `score` in [0, 1] says how far up it is in the queue; the highest of a document is that of the
    document. `given` is the probability of what gold says, of models that never saw it; `evidence`
    how the string is marked elsewhere in gold, and documents that read alike. `gold_revision` names
    the gold that it is about.
    """

    id: int
    rank: int
    document_id: int
    external_id: str
    text: str
    kind: str
    score: float
    given: float
    gold: list[Json]
    proposal: list[Json]
    evidence: Json
    gold_revision: int


class LookTold(Told):
    """A look through all gold."""

    id: int
    state: str
    asked_by: str
    reason: str
    figures: Json
    created_at: datetime
    finished_at: datetime | None


@doubting.get("/projects/{key}/doubts")
def list_doubts(key: Key, query: WantedOnes) -> Page[DoubtTold]:
    """Gold that may be wrong and that nobody has decided about, the most doubtful first."""
    wanted = WantedDoubts(query.kind, query.label, query.documents)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = doubts.open_doubts(session, project.id, wanted, query.start, query.limit + 1)
    return page(found, query.limit, key=lambda row: row[0].rank, told=_told)


@doubting.get("/projects/{key}/doubts/sent")
def list_sent_doubts(key: Key, query: Paged) -> Page[SentTold]:
    """Doubts that went back to annotators, the last first."""
    return review.list_sent(DOUBTS, key, query)


@doubting.get("/projects/{key}/doubts/look")
def show_look(key: Key) -> LookTold:
    """The newest look through all gold."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        runs = doubts.newest_doubt_runs(session, project.id, 1)
    if not runs:
        raise NotFoundError("look through the gold of", key)
    return LookTold.model_validate(runs[0])


@doubting.post("/projects/{key}/doubts/look", status=202)
def find_doubts(key: Key) -> LookTold:
    """Have all gold read by models that learned from the rest of it."""
    return LookTold.model_validate(looking.ask(opened(), key, caller().email))


@doubting.post("/projects/{key}/doubts/look/cancel", status=202)
def cancel_look(key: Key) -> Done:
    """Stop looking."""
    looking.cancel(opened(), key, caller().email)
    return Done(message="the look was asked to stop")


@doubting.post("/projects/{key}/doubts/{doubt_id}/decision")
def decide_doubt(key: Key, doubt_id: Id, body: VerdictGiven) -> ReviewTold:
    """The gold is right, the model is right, or the document goes back to annotators."""
    return review.decide(DOUBTS, key, doubt_id, body)


@doubting.post("/projects/{key}/doubts/decisions/{decision_id}/undo")
def undo_doubt(key: Key, decision_id: Id) -> ReviewTold:
    """Take such a decision back."""
    return review.undo(DOUBTS, key, decision_id)


def _told(row: tuple[Doubt, Document]) -> DoubtTold:
    doubt, document = row
    return DoubtTold(
        id=doubt.id,
        rank=doubt.rank,
        document_id=document.id,
        external_id=document.external_id,
        text=document.text,
        kind=doubt.kind,
        score=doubt.score,
        given=doubt.given,
        gold=doubt.gold,
        proposal=doubt.proposal,
        evidence=doubt.evidence,
        gold_revision=doubt.gold_revision,
    )
