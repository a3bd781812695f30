"""What speaks for a document's pre-labels, and what against them."""

from typing import Annotated

from pydantic import Field

from backend.api.rest.fields import Id, Json, Key, Strict, Told
from backend.api.rest.operation import Operations
from backend.db.projects import project_by_key
from backend.opened import opened
from backend.workflow.evidence import evidence as stage
from backend.workflow.evidence.evidence import Fate
from backend.workflow.evidence.told import record_of

evidence = Operations("Evidence")


class WantedEvidence(Strict):
    """Which of a document's suggestions."""

    after: Annotated[
        int, Field(ge=-1, le=2**31 - 1, description="`next` of before: an offset of the text")
    ] = -1


class SuggestionTold(Told):
    """An entity that a version suggests, under gold's name of its label.

    `labels` is how often gold has each label on the same string elsewhere, `corrections` in how
    many documents people have made what of such a suggestion; `rejected` is told where people have
    rejected this very one, here or in a copy.
    """

    start: int
    end: int
    label: str
    text: str
    probability: float | None
    fate: Fate
    runner_up: Json | None
    labels: dict[str, int]
    examples: list[Json]
    similar: list[Json]
    corrections: list[Json]
    rejected: Json | None


class EvidenceTold(Told):
    """A document's suggestions; nothing while it is to be labelled blind."""

    document_id: int
    external_id: str
    text: str
    version: str | None
    confidence: float | None
    blind: bool
    behind: Annotated[bool, Field(description="gold has changed since its strings were read")]
    suggestions: list[SuggestionTold]
    next: int | None


@evidence.get("/projects/{key}/documents/{document_id}/evidence")
def show_evidence(key: Key, document_id: Id, query: WantedEvidence) -> EvidenceTold:
    """What is suggested for a document, how sure, and how gold and people treat the like."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = stage.evidence(session, project, document_id, after=query.after)
    return EvidenceTold.model_validate(record_of(found))
