"""Annotators: how fast each is, how much they change, how far they agree with others."""

from pydantic import Field

from backend.api.rest.asking import caller, opened
from backend.api.rest.fields import Key, Told
from backend.api.rest.operation import Operations
from backend.db.annotator_figures import people
from backend.db.projects import project_by_key
from backend.db.scopes import ROLES
from backend.db.tables import Role
from backend.workflow.annotators import annotator_figures

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
    f1: float | None = Field(description="the mean strict F1 against others")


class Annotators(Told):
    """The people, those who did most first; `annotations` is how many were counted."""

    people: list[PersonTold]
    annotations: int


@annotators.get("/projects/{key}/annotators")
def list_annotators(key: Key) -> Annotators:
    """Speed, edits, acceptance and agreement: of everybody for a curator, else one's own."""
    asking = caller()
    everybody = ROLES.index(Role(asking.role)) >= ROLES.index(Role.CURATOR)
    with opened().database.read() as session:
        figures = annotator_figures(session, project_by_key(session, key).id)
        accounts = people(session, [one.account_id for one in figures.people])
    shown = []
    for one in figures.people:
        account = accounts[one.account_id]
        if everybody or account.id == asking.account_id:
            known = {name: getattr(one, name) for name in PersonTold.model_fields.keys() - _OF}
            shown.append(PersonTold(email=account.email, name=account.name, **known))
    return Annotators(people=shown, annotations=figures.annotations)


_OF = {"email", "name"}  # of the account, not of the figures
