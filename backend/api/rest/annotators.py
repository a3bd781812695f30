"""Annotators: how fast each is, what pre-labels do to them, how far they agree with others."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from backend.api.rest.asking import caller
from backend.api.rest.fields import Id, Key, Page, Paged, Strict, Told, page
from backend.api.rest.operation import Operations
from backend.db import sharing
from backend.db.annotator_figures import people
from backend.db.projects import project_by_key
from backend.db.scopes import ROLES
from backend.db.tables import Account, Role
from backend.db.versions import locked_project
from backend.opened import kept_figures, opened
from backend.workflow.annotators.agreement import Pair, Said, SharedDocument
from backend.workflow.annotators.figures import AnnotatorFigures, PersonFigures
from backend.workflow.annotators.waiting import MOST, ask_again, ask_no_more

MOST_AT_ONCE = 500  # documents
LARGEST_ACCOUNT = 10**9  # the cursor of a pair of them has 18 digits

annotators = Operations("Annotators")


class PersonTold(Told):
    """One person's figures over the newest annotations; null where there is nothing to count."""

    email: str
    name: str
    documents: int
    entities: int
    seconds: float | None = Field(description="the median a document")
    documents_per_hour: float | None
    entities_per_hour: float | None
    by_hand: float | None = Field(description="entities marked a document without pre-labels")
    edits: float | None = Field(description="changes a document with pre-labels")
    prelabelled: int
    unchanged: float | None = Field(description="share of them, submitted as they were")
    blind: int
    blind_same: float | None = Field(description="share of them, as the version would have it")
    f1: float | None = Field(description="strict F1 against all others on the same documents")
    with_and_without: "WithAndWithoutTold | None" = Field(None, description="curators are told")
    test: "TestTold | None" = Field(
        None, description="curators are told; null where no wrong pre-label was shown"
    )


class WorkTold(Told):
    """Annotations of one kind; null where there is nothing to count."""

    documents: int
    seconds: float | None = Field(description="the median a document")
    edits: float | None = Field(description="the mean a document")
    judged: int = Field(description="documents with a truth that others made or confirmed")
    f1: float | None = Field(description="strict, against that truth")


class LetStandTold(Told):
    """Wrong pre-labels, and how many of them are in what was submitted."""

    wrong: int
    stood: int


class WithAndWithoutTold(Told):
    """Work with pre-labels, and on the blind slice without."""

    helped: WorkTold
    blind: WorkTold
    stood: LetStandTold
    same_blind: LetStandTold


class TestTold(Told):
    """Whether somebody accepts wrong pre-labels more than chance allows."""

    others: float | None = Field(description="the share that others let stand")
    p: float = Field(description="the probability of as many or more by chance")
    flagged: bool


class Annotators(Page[PersonTold]):
    """The people by account; `annotations` is how many were counted, over all of them."""

    annotations: int


class MeasuresTold(Told):
    """How far some people agree; null where nobody marked anything."""

    documents: int
    entities: int
    f1: float | None = Field(description="strict, of spans")
    kappa: float | None = Field(description="Cohen's, over tokens")
    alpha: float | None = Field(description="Krippendorff's, over characters")


class PairTold(MeasuresTold):
    """Two people, by their addresses."""

    first: str
    second: str


class DisagreementTold(Told):
    """A document of which people said different things; `said` is by address."""

    document_id: int
    decided: bool
    said: dict[str, list[dict[str, int | str]]]


class AgreementTold(Told):
    """Agreement over documents that several annotated."""

    overall: MeasuresTold
    exact: int = Field(description="documents that everybody labelled alike")
    labels: dict[str, MeasuresTold]


class SharedDocuments(Strict):
    """Shared documents by number."""

    document_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_AT_ONCE)]


class Awaited(Strict):
    """A shared document, and the annotators that it waited for, or is to wait for."""

    document_id: Id
    annotators: Annotated[int, Field(ge=2, le=MOST)]


class AwaitedDocuments(Strict):
    """Shared documents."""

    documents: Annotated[list[Awaited], Field(min_length=1, max_length=MOST_AT_ONCE)]


@annotators.get("/projects/{key}/annotators")
def list_annotators(key: Key, query: Paged) -> Annotators:
    """Speed, edits, acceptance and agreement: of everybody for a curator, else one's own."""
    asking = caller()
    everybody = ROLES.index(Role(asking.role)) >= ROLES.index(Role.CURATOR)
    figures, accounts = _figures(key)
    rest = [
        one
        for one in sorted(figures.people, key=lambda one: one.account_id)
        if one.account_id > query.start and (everybody or one.account_id == asking.account_id)
    ]

    def told(one: PersonFigures) -> PersonTold:
        account = accounts[one.account_id]
        known = {name: getattr(one, name) for name in PersonTold.model_fields.keys() - _OF}
        if everybody:
            known["with_and_without"] = figures.bias.people.get(account.id)
            known["test"] = figures.bias.tested.get(account.id)
        return PersonTold(email=account.email, name=account.name, **known)

    shown = page(rest, query.limit, key=lambda one: one.account_id, told=told)
    return Annotators(items=shown.items, next=shown.next, annotations=figures.annotations)


@annotators.get("/projects/{key}/agreement")
def show_agreement(key: Key) -> AgreementTold:
    """How far people agree, over all and by label."""
    its = _figures(key)[0].agreement
    return AgreementTold(
        overall=MeasuresTold.model_validate(its.overall),
        exact=its.exact,
        labels={name: MeasuresTold.model_validate(one) for name, one in its.labels.items()},
    )


@annotators.get("/projects/{key}/agreement/pairs")
def list_pairs(key: Key, query: Paged) -> Page[PairTold]:
    """How far each two people agree."""
    figures, accounts = _figures(key)
    its = figures.agreement.pairs
    rest = [pair for pair in sorted(its) if _cursor(pair) > query.start]

    def told(pair: Pair) -> PairTold:
        first, second = (accounts[one].email for one in pair)
        return PairTold(first=first, second=second, **asdict(its[pair]))

    return page(rest, query.limit, key=_cursor, told=told)


@annotators.get("/projects/{key}/agreement/disagreements")
def list_disagreements(key: Key, query: Paged) -> Page[DisagreementTold]:
    """Documents of which people said different things, by number; 200 are kept."""
    figures, accounts = _figures(key)
    rest = [one for one in figures.agreement.disagreements if one.number > query.start]

    def told(one: SharedDocument) -> DisagreementTold:
        return DisagreementTold(
            document_id=one.number,
            decided=one.number not in figures.undecided,
            said={accounts[person].email: _told(said) for person, said in one.said.items()},
        )

    return page(
        sorted(rest, key=lambda one: one.number),
        query.limit,
        key=lambda one: one.number,
        told=told,
    )


@annotators.get("/projects/{key}/agreement/waiting")
def list_waiting(key: Key, query: Paged) -> Page[int]:
    """Shared documents, by number, that somebody has annotated and not all who were to."""
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = sharing.waiting(session, project.id, query.limit + 1, after=query.start)
    return page(found, query.limit, key=int, told=int)


@annotators.post("/projects/{key}/agreement/settle")
def settle_shared(key: Key, body: SharedDocuments) -> AwaitedDocuments:
    """Wait no more for other annotators; answers for how many each document had waited."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        settled = ask_no_more(session, project, body.document_ids, caller().email)
    return AwaitedDocuments(
        documents=[Awaited(document_id=one, annotators=its) for one, its in settled.items()]
    )


@annotators.post("/projects/{key}/agreement/wait")
def wait_for_shared(key: Key, body: AwaitedDocuments) -> AwaitedDocuments:
    """Wait for so many annotators of shared documents again."""
    wanted = {one.document_id: one.annotators for one in body.documents}
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        ask_again(session, project, wanted, caller().email)
    return body


def _figures(key: str) -> tuple[AnnotatorFigures, Mapping[int, Account]]:
    """What is counted of a project's annotators, and their accounts."""
    with opened().database.read() as session:
        figures = kept_figures().of(session, project_by_key(session, key))
        return figures, people(session, [one.account_id for one in figures.people])


def _cursor(pair: Pair) -> int:
    return pair[0] * LARGEST_ACCOUNT + pair[1]


def _told(said: Said) -> list[dict[str, int | str]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in sorted(said)]


# of the account and of the comparison, not of the figures
_OF = {"email", "name", "with_and_without", "test"}
