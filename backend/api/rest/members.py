"""A project's members, and its connection with Label Studio looked at."""

from datetime import datetime

from pydantic import Field

from backend.api.rest.asking import asked_by
from backend.api.rest.fields import Done, Id, Key, Page, Paged, Strict, Told, page
from backend.api.rest.operation import Operations
from backend.api.rest.people import Email
from backend.db.members import Member
from backend.db.members import members as members_of
from backend.db.projects import project_by_key
from backend.db.versions import locked_project
from backend.loop.check_connection import check_connection_of
from backend.opened import opened
from backend.workflow.label_studio.connection_check import Part, Trouble
from backend.workflow.projects.membership import add_member as make_member
from backend.workflow.projects.membership import remove_member as take_out

members = Operations("Members and connection")


class MemberTold(Told):
    """A person who works in a project."""

    account_id: int
    email: str
    name: str
    role: str
    since: datetime


class NewMember(Strict):
    """Whom to add."""

    email: Email


class LookedTold(Told):
    """What a look at one part of the connection found."""

    part: Part
    right: bool | None = Field(description="null where it could not be looked at")
    trouble: Trouble | None
    what_to_do: str
    detail: str


@members.get("/projects/{key}/members")
def list_members(key: Key, query: Paged) -> Page[MemberTold]:
    """Who works in the project, by address; whoever annotates in it becomes a member."""
    with opened().database.read() as session:
        number = project_by_key(session, key).id
        found = members_of(session, number, after=query.start, limit=query.limit + 1)
    return page(found, query.limit, key=lambda one: one.account.id, told=_member)


@members.post("/projects/{key}/members", status=201)
def add_member(key: Key, body: NewMember) -> Done:
    """Make somebody with an account a member."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        account = make_member(session, project, body.email, by=asked_by())
    return Done(message=f"{account.email} is a member now")


@members.delete("/projects/{key}/members/{account_id}")
def remove_member(key: Key, account_id: Id) -> Done:
    """Take somebody out; what they annotated stays."""
    with opened().database.write() as session:
        project = locked_project(session, project_by_key(session, key).id)
        account = take_out(session, project, account_id, by=asked_by())
    return Done(message=f"{account.email} is no member any more")


@members.get("/projects/{key}/connection")
def test_connection(key: Key) -> list[LookedTold]:
    """Ask Label Studio for each part of the connection; nothing is changed."""
    looked = check_connection_of(opened(), key)
    return [LookedTold.model_validate(one) for one in looked]


def _member(one: Member) -> MemberTold:
    return MemberTold(
        account_id=one.account.id,
        email=one.account.email,
        name=one.account.name,
        role=one.account.role,
        since=one.since,
    )
