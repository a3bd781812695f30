"""Questions about API tokens: made once, kept as a hash, found by what a program shows."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.db.scopes import ROLE_OF_SCOPE, Scope, allowed_scopes
from backend.db.tables import Account, now
from backend.db.tables_of_access import ApiToken, IdempotencyKey
from backend.errors import InvalidInputError, NotFoundError

PREFIX = "gl_"  # so that a token is known for one wherever it lies
LONGEST_NAME = 100
USED_EVERY = timedelta(minutes=1)  # how exactly the last use is kept: a write each time costs


@dataclass(frozen=True, slots=True)
class Caller:
    """The program that asks, and whom it asks for."""

    token_id: int
    token_name: str
    account_id: int
    email: str
    role: str
    scopes: frozenset[Scope]  # those that the account's role still allows
    last_used_at: datetime | None

    @property
    def who(self) -> str:
        """As the audit log names it."""
        return f"{self.email} (token {self.token_name})"[:254]


@dataclass(frozen=True, slots=True)
class ListedToken:
    """A token as lists show it."""

    token: ApiToken
    email: str

    @property
    def state(self) -> str:
        """`live`, `revoked` or `expired`."""
        if self.token.revoked_at is not None:
            return "revoked"
        expires = self.token.expires_at
        return "expired" if expires is not None and expires <= now() else "live"


def make_token(
    session: Session,
    account: Account,
    name: str,
    scopes: Collection[Scope],
    *,
    made_by: str,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Make a token of an account; with it, the only time, what the program has to show.

    Raises InvalidInputError without a name or a scope, or for a scope that the role does not allow.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise InvalidInputError(f"a token needs a name of at most {LONGEST_NAME} characters")
    if not scopes:
        raise InvalidInputError("a token without a scope could do nothing: give it one")
    if beyond := set(scopes) - allowed_scopes(account.role):
        names = ", ".join(sorted(f"{scope} ({ROLE_OF_SCOPE[scope]})" for scope in beyond))
        raise InvalidInputError(f"the role {account.role} does not allow {names}")
    if expires_at is not None and expires_at <= now():
        raise InvalidInputError("the token would have expired already")
    shown = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        account_id=account.id,
        name=name,
        token_hash=_hash(shown),
        scopes=sorted(scopes),
        made_by=made_by,
        expires_at=expires_at,
    )
    session.add(token)
    session.flush()
    return token, shown


def caller_of(session: Session, shown: str) -> Caller | None:
    """Who shows this token; None when it is none, was revoked or has expired."""
    found = session.execute(
        select(ApiToken, Account)
        .join(Account, Account.id == ApiToken.account_id)
        .where(ApiToken.token_hash == _hash(shown), ApiToken.revoked_at.is_(None))
    ).one_or_none()
    if found is None:
        return None
    token, account = found
    if token.expires_at is not None and token.expires_at <= now():
        return None
    scopes = frozenset(Scope(scope) for scope in token.scopes if scope in set(Scope))
    return Caller(
        token.id,
        token.name,
        account.id,
        account.email,
        account.role,
        scopes & allowed_scopes(account.role),
        token.last_used_at,
    )


def note_use(session: Session, token_id: int) -> None:
    """Keep when a token was used last."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now()))


def use_is_worth_noting(caller: Caller) -> bool:
    """Whether the last use that is kept has become old."""
    return caller.last_used_at is None or now() - caller.last_used_at > USED_EVERY


def listed_tokens(
    session: Session, *, before: int = 0, limit: int | None = None
) -> Sequence[ListedToken]:
    """Tokens that were ever made, the newest first; older than `before` where it is given."""
    statement = select(ApiToken, Account.email).join(Account, Account.id == ApiToken.account_id)
    if before:
        statement = statement.where(ApiToken.id < before)
    rows = session.execute(statement.order_by(ApiToken.id.desc()).limit(limit))
    return [ListedToken(token, email) for token, email in rows]


def revoke_token(session: Session, token_id: int) -> ApiToken:
    """Let a token be worth nothing from now on; raises NotFoundError."""
    token = session.get(ApiToken, token_id, with_for_update=True)
    if token is None:
        raise NotFoundError("token", token_id)
    token.revoked_at = token.revoked_at or now()
    return token


def drop_old_keys(session: Session, before: datetime) -> None:
    """Forget idempotency keys of before a time, and what they were answered."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < before))


def _hash(shown: str) -> str:
    """A token is 256 random bits: one round of SHA-256 tells nothing of it."""
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()
