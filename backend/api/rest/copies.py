"""Duplicates, conflicts among copies, and strings with several labels."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from backend.api.rest.asking import asked_by, caller
from backend.api.rest.fields import (
    Done,
    Id,
    Json,
    Key,
    Page,
    Paged,
    Sentence,
    Strict,
    Told,
    Word,
    page,
)
from backend.api.rest.operation import Operations
from backend.db.duplicates import Member, document_named, members
from backend.db.projects import project_by_key
from backend.db.surveys import findings, last_survey, open_findings
from backend.db.tables_of_surveys import Found
from backend.db.versions import locked_project
from backend.errors import InvalidInputError
from backend.opened import opened
from backend.workflow.duplicates.adjudicate import Decided
from backend.workflow.duplicates.decide_group import (
    Decider,
    choose,
    put_together,
    read_group,
    take_back,
)
from ml_backend.contract.entity import EntityError, read_entities
from ml_backend.contract.messages import DEFAULT_QUEUE

FIND_NEAR = "backend.jobs.find_near"
SURVEY = "backend.jobs.survey"

copies = Operations("Duplicates and conflicts")


class SurveyTold(Told):
    """The last look at all gold and copies; the counts are of what nobody has decided yet."""

    made_at: datetime | None
    open: dict[Found, int]
    totals: Json


class Which(Paged):
    """Which findings."""

    kind: Found
    label: Annotated[Sentence, Field(max_length=200, description="only those that concern it")] = ""


class FindingTold(Told):
    """One thing that the last survey found."""

    subject: str = Field(description="the group it is about")
    labels: list[str]
    body: Json


class Named(Strict):
    """A document by the id it has in files."""

    document: Word


class CopiesWanted(Named, Paged):
    """Whose copies, and which part of them."""


class EntityGiven(Strict):
    """One entity: code points of the text, half-open."""

    start: Annotated[int, Field(ge=0, le=10**9)]
    end: Annotated[int, Field(ge=1, le=10**9)]
    label: Word


class Decision(Named):
    """What the gold of a text is; every exact copy receives it."""

    entities: Annotated[list[EntityGiven], Field(max_length=10_000)]
    seen: Annotated[
        Sentence, Field(description="`state` of the reading: refused when it is no longer so")
    ] = ""
    reason: Sentence = ""


class DecisionTold(Told):
    """A decision: its documents, and copies that it cannot be projected to, with the reason."""

    decision: Id
    documents: list[str]
    refused: dict[str, str]


class Choice(Named):
    """Which variant of a conflict is right: 1 is the first that `conflicts` shows."""

    kind: Literal["exact", "near"] = "exact"
    variant: Annotated[int, Field(ge=1, le=10**6)]
    seen: Annotated[
        Sentence, Field(description="`state` of the reading: refused when it is no longer so")
    ] = ""
    reason: Sentence = ""


class Withdrawal(Named):
    """Which decision is taken back; none named: whichever stands."""

    decision: Annotated[
        int | None,
        Field(ge=1, lt=2**63, description="`decision` of the reading: refused when another stands"),
    ] = None


class Reading(Told):
    """What is said of a document's copies now; `state` names exactly that."""

    state: str
    conflicts: list[Json]
    decision: int | None = Field(description="the one that stands")


class Withdrawn(Told):
    """Documents that a decision was taken back from."""

    documents: list[str]


@copies.get("/projects/{key}/survey")
def show_survey(key: Key) -> SurveyTold:
    """How many conflicts, groups of copies and strings with several labels are open."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        last = last_survey(session, project.id)
        return SurveyTold(
            made_at=last.made_at if last else None,
            open=open_findings(session, project.id),
            totals=last.figures["totals"] if last else {},
        )


@copies.post("/projects/{key}/survey", status=202)
def ask_for_survey(key: Key) -> Done:
    """Let a job look over all gold and copies again."""
    with opened().database.read() as session:
        project_id = project_by_key(session, key).id
    opened().queue.ring(DEFAULT_QUEUE, SURVEY, project_id, job_id=f"{SURVEY}-{project_id}")
    return Done(message="a worker looks over all gold and copies")


@copies.get("/projects/{key}/findings")
def list_findings(key: Key, query: Which) -> Page[FindingTold]:
    """What the last survey found of a kind, in the order in which people should see it.

    Strings that carry several labels are of the kind `surface-form`.
    """
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = findings(
            session,
            project.id,
            query.kind,
            after=query.start if query.after is not None else -1,
            limit=query.limit + 1,
            label=query.label,
        )
    return page(
        found,
        query.limit,
        key=lambda one: one.position,
        told=lambda one: FindingTold(
            subject=one.subject, labels=one.labels.split("\n")[1:-1], body=one.body
        ),
    )


@copies.get("/projects/{key}/copies")
def list_copies(key: Key, query: CopiesWanted) -> Page[Member]:
    """The copies and near copies of a document, itself included, the oldest first."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        document = document_named(session, project.id, query.document)
        found = members(session, document, query.limit + 1, after=query.start)
    return page(found, query.limit, key=lambda one: one.id, told=lambda one: one)


@copies.post("/projects/{key}/copies/find", status=202)
def find_copies(key: Key) -> Done:
    """Let a job compare new documents with all others, for near copies."""
    with opened().database.read() as session:
        project_id = project_by_key(session, key).id
    opened().queue.ring(DEFAULT_QUEUE, FIND_NEAR, project_id, job_id=f"{FIND_NEAR}-{project_id}")
    return Done(message="a worker looks for near copies")


@copies.get("/projects/{key}/conflicts")
def show_conflicts(key: Key, query: Named) -> Reading:
    """The conflicts of a document's copies: each variant, who made it, and what differs."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        group = read_group(session, project, document_named(session, project.id, query.document))
    found = [one.to_dict() for one in (group.exact, group.near) if one is not None]
    decision = group.standing.id if group.standing else None
    return Reading(state=group.state, conflicts=found, decision=decision)


@copies.post("/projects/{key}/conflicts/decide")
def decide_conflict(key: Key, body: Decision) -> DecisionTold:
    """Decide once what the gold of a document's text is; every exact copy receives it."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        document = document_named(session, project.id, body.document)
        try:
            wanted = read_entities([one.model_dump() for one in body.entities], document.text)
        except EntityError as error:
            raise InvalidInputError(str(error)) from None
        return _told(put_together(session, project, document, wanted, _decider(body)))


@copies.post("/projects/{key}/conflicts/choose")
def choose_variant(key: Key, body: Choice) -> list[DecisionTold]:
    """Decide that a variant is right: copies receive it, near copies what they share with it."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        document = document_named(session, project.id, body.document)
        by = _decider(body)
        return list(map(_told, choose(session, project, document, body.kind, body.variant, by)))


@copies.post("/projects/{key}/conflicts/withdraw")
def withdraw_decision(key: Key, body: Withdrawal) -> Withdrawn:
    """Take a decision back: what people or files said of the text is gold again."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        document = document_named(session, project.id, body.document)
        left = take_back(session, project, document, made_by=asked_by(), seen=body.decision)
        return Withdrawn(documents=left)


def _decider(body: Decision | Choice) -> Decider:
    return Decider(body.seen or None, asked_by(), caller().account_id, body.reason)


def _told(decided: Decided) -> DecisionTold:
    return DecisionTold(
        decision=decided.adjudication.id, documents=decided.documents, refused=decided.refused
    )
