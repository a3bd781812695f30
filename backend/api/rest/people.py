"""Accounts, tokens of the API, and the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from backend.api.rest.asking import asked_by, caller
from backend.api.rest.fields import Done, Id, Key, Page, Paged, Sentence, Strict, Told, Word, page
from backend.api.rest.operation import Operations
from backend.db.accounts import (
    LONGEST_PASSWORD,
    PASSWORD_LENGTH,
    ListedAccount,
    existing_account,
    listed_accounts,
)
from backend.db.api_tokens import LONGEST_NAME, ListedToken, listed_tokens
from backend.db.audit_log import audit_entries
from backend.db.projects import all_projects, project_by_key
from backend.db.scopes import Scope
from backend.db.tables import Account, Role
from backend.db.tables_of_access import AuditEntry
from backend.errors import NotFoundError
from backend.opened import opened
from backend.workflow.projects.accounts import (
    add_person,
    change_password,
    end_token,
    give_role,
    give_token,
)

people = Operations("Accounts, tokens, audit log")

Password = Annotated[
    str, StringConstraints(min_length=PASSWORD_LENGTH, max_length=LONGEST_PASSWORD)
]
Email = Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+$")]


class AccountTold(Told):
    """A person, and what they have done."""

    id: int
    email: str
    name: str
    role: Role
    can_sign_in: bool
    annotations: int
    last_annotation: datetime | None


class NewAccount(Strict):
    """A person to add."""

    email: Email
    role: Role
    name: Annotated[Sentence, Field(max_length=200)] = ""
    password: Password


class NewRole(Strict):
    """The role to give."""

    role: Role


class NewPassword(Strict):
    """The password to give."""

    password: Password


class TokenTold(Told):
    """A token, without what a program shows."""

    id: int
    name: str
    account: str
    scopes: list[str]
    state: str = Field(description="live, revoked or expired")
    made_by: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class NewToken(Strict):
    """A token to make for an account; its role must allow the scopes."""

    name: Annotated[Word, Field(max_length=LONGEST_NAME)]
    account: Email
    scopes: Annotated[list[Scope], Field(min_length=1)]
    expires_at: AwareDatetime | None = None


class MadeToken(TokenTold):
    """A token, with what the program shows: this answer is the only place that has it."""

    token: str


class AuditTold(Told):
    """One change."""

    id: int
    who: str
    action: str
    subject: str
    project: str | None
    before: Any
    after: Any
    created_at: datetime


class ChangesWanted(Paged):
    """Which changes of a project."""

    who: Annotated[Sentence, Field(description="how the address begins")] = ""
    action: Annotated[Sentence, Field(description="how it begins, as in `run.`")] = ""


class AuditWanted(ChangesWanted):
    """Which changes."""

    project: Annotated[str | None, Field(description="a project's key", max_length=63)] = None


@people.get("/accounts")
def list_accounts(query: Paged) -> Page[AccountTold]:
    """Accounts by address, with what their people have done."""
    with opened().database.read() as session:
        found = listed_accounts(session, after=query.start, limit=query.limit + 1)
    return page(found, query.limit, key=lambda one: one.account.id, told=_account)


@people.post("/accounts", status=201)
def add_account(body: NewAccount) -> AccountTold:
    """Add a person; one who was first seen in Label Studio gets a role and a password."""
    with opened().database.write() as session:
        made = add_person(
            session,
            body.email,
            body.role,
            by=asked_by(),
            password=body.password,
            name=body.name,
        )
        return _account(ListedAccount(made, 0, None))


@people.put("/accounts/{account_id}/role")
def set_account_role(account_id: Id, body: NewRole) -> NewRole:
    """Give somebody else another role; their tokens lose what it does not allow."""
    with opened().database.write() as session:
        give_role(session, account_id, body.role, by=asked_by(), own=caller().email)
    return body


@people.put("/accounts/{account_id}/password")
def set_account_password(account_id: Id, body: NewPassword) -> Done:
    """Give an account another password; its sessions end."""
    with opened().database.write() as session:
        found = session.get(Account, account_id)
        if found is None:
            raise NotFoundError("account", account_id)
        change_password(session, found.email, body.password, by=asked_by())
    return Done(message=f"the password of {found.email} is another now; its sessions have ended")


@people.get("/tokens")
def list_tokens(query: Paged) -> Page[TokenTold]:
    """Every token that was ever made, the newest first."""
    with opened().database.read() as session:
        found = listed_tokens(session, before=query.start, limit=query.limit + 1)
        return page(found, query.limit, key=lambda one: one.token.id, told=_token)


@people.post("/tokens", status=201, secret=True)
def make_token(body: NewToken) -> MadeToken:
    """Make a token; what a program shows is in this answer, and nowhere else ever."""
    with opened().database.write() as session:
        account = existing_account(session, body.account)
        token, shown = give_token(
            session,
            account,
            body.name,
            body.scopes,
            by=asked_by(),
            expires_at=body.expires_at,
        )
        listed = _token(ListedToken(token, account.email))
        return MadeToken(**listed.model_dump(), token=shown)


@people.delete("/tokens/{token_id}")
def revoke_token(token_id: Id) -> Done:
    """Let a token be worth nothing from now on."""
    with opened().database.write() as session:
        ended = end_token(session, token_id, by=asked_by())
    return Done(message=f"the token {ended.name} is worth nothing any more")


@people.get("/audit-log")
def list_audit_log(query: AuditWanted) -> Page[AuditTold]:
    """Every change, the newest first: who, when, before, after."""
    return _changes(query, query.project)


@people.get("/projects/{key}/audit-log")
def list_changes(key: Key, query: ChangesWanted) -> Page[AuditTold]:
    """Every change of one project, the newest first."""
    return _changes(query, key)


def _changes(query: ChangesWanted, key: str | None) -> Page[AuditTold]:
    with opened().database.read() as session:
        project = project_by_key(session, key) if key else None
        found = audit_entries(
            session,
            project_id=project.id if project else None,
            who=query.who,
            action=query.action,
            before=query.start or None,
            limit=query.limit + 1,
        )
        keys = {one.id: one.key for one in all_projects(session)}
    return page(found, query.limit, key=lambda one: one.id, told=lambda one: _entry(one, keys))


def _account(listed: ListedAccount) -> AccountTold:
    account = listed.account
    return AccountTold(
        id=account.id,
        email=account.email,
        name=account.name,
        role=Role(account.role),
        can_sign_in=account.password_hash is not None,
        annotations=listed.annotations,
        last_annotation=listed.last_annotation,
    )


def _token(listed: ListedToken) -> TokenTold:
    token = listed.token
    return TokenTold(
        id=token.id,
        name=token.name,
        account=listed.email,
        scopes=token.scopes,
        state=listed.state,
        made_by=token.made_by,
        created_at=token.created_at,
        expires_at=token.expires_at,
        last_used_at=token.last_used_at,
    )


def _entry(entry: AuditEntry, keys: Mapping[int, str]) -> AuditTold:
    return AuditTold(
        id=entry.id,
        who=entry.who,
        action=entry.action,
        subject=entry.subject,
        project=keys.get(entry.project_id or 0),
        before=entry.before,
        after=entry.after,
        created_at=entry.created_at,
    )
