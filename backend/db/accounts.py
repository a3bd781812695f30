"""Questions about people's accounts, and the one place that hashes and checks passwords."""

import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session, aliased

from backend.db.tables import Account, AnnotationState, Role
from backend.errors import ConflictError, InvalidInputError, NotFoundError

PASSWORD_LENGTH = 8
LONGEST_PASSWORD = 1000  # hashing takes time in proportion
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")  # as Label Studio has it, `admin@localhost` included

_hasher = PasswordHasher()


def account_by_email(session: Session, email: str) -> Account | None:
    """The account of this address, whatever its capitals."""
    return session.scalars(
        select(Account).where(Account.email == email.strip().lower())
    ).one_or_none()


def account_by_token(session: Session, account_id: int, token: str) -> Account | None:
    """The account of a session cookie, None when its password has changed since."""
    account = session.get(Account, account_id)
    if account is None or not hmac.compare_digest(account.session_token, token):
        return None
    return account


def accounts(session: Session, limit: int | None = None) -> Sequence[Account]:
    """Every account, or the first of them, by address."""
    return session.scalars(select(Account).order_by(Account.email).limit(limit)).all()


def add_account(
    session: Session, email: str, *, role: Role, password: str | None = None, name: str = ""
) -> Account:
    """Make an account; one first seen in Label Studio gets its password and role here.

    Raises ConflictError when the address can sign in already.
    """
    address = email.strip().lower()
    if not _ADDRESS.fullmatch(address) or len(address) > 254:
        raise InvalidInputError(f"{email!r} is not an e-mail address")
    account = account_by_email(session, address)
    if account is not None and account.password_hash is not None:
        raise ConflictError(f"there is an account of {address} already")
    if account is None:
        account = Account(email=address, session_token=secrets.token_hex(16))
        session.add(account)
    account.role = role
    account.name = name or account.name or ""
    if password is not None:
        set_password(account, password)
    session.flush()
    return account


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account as the list shows it."""

    account: Account
    annotations: int
    last_annotation: datetime | None  # when the newest of them was changed


def listed_accounts(
    session: Session, *, after: int = 0, limit: int | None = None
) -> Sequence[ListedAccount]:
    """Accounts with what their people have done, by address; those after account `after`."""
    statement = select(Account).order_by(Account.email).limit(limit)
    if after:
        statement = statement.where(Account.email > address_of(after))
    listed = session.scalars(statement).all()
    of = AnnotationState.account_id
    rows = session.execute(
        select(
            of,
            func.count(AnnotationState.annotation_id.distinct()),
            func.max(AnnotationState.updated_at),
        )
        .where(of.in_([account.id for account in listed]))
        .group_by(of)
    )
    done = {number: (count, last) for number, count, last in rows}
    return [ListedAccount(account, *done.get(account.id, (0, None))) for account in listed]


def address_of(account_id: int) -> ScalarSelect[str]:
    """An account's address, for lists by address that go on after an account."""
    last = aliased(Account)
    return select(last.email).where(last.id == account_id).scalar_subquery()


def set_role(session: Session, account_id: int, role: Role, *, by: str) -> tuple[Account, str]:
    """Give an account another role, and say which it had; raises ConflictError for one's own.

    So at least one administrator is left, and nobody locks themselves out by a slip.
    """
    account = session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise NotFoundError("account", account_id)
    if account.email == by:
        raise ConflictError("nobody changes their own role: another administrator can")
    before, account.role = account.role, role
    return account, before


def existing_account(session: Session, email: str) -> Account:
    """The account of this address; raises NotFoundError."""
    account = account_by_email(session, email)
    if account is None:
        raise NotFoundError("account", email)
    return account


def set_password(account: Account, password: str) -> None:
    """Store a password's hash; every session that was open ends."""
    if not PASSWORD_LENGTH <= len(password) <= LONGEST_PASSWORD:
        raise InvalidInputError(f"a password needs {PASSWORD_LENGTH} characters or more")
    account.password_hash = _hasher.hash(_as_typed(password))
    account.session_token = secrets.token_hex(16)


def password_fits(password_hash: str | None, password: str) -> bool:
    """Whether a password is the one hashed; takes as long when there is none to compare."""
    try:
        _hasher.verify(password_hash or _nobody(), _as_typed(password[:LONGEST_PASSWORD]))
    except (Argon2Error, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex(16))


def _as_typed(password: str) -> str:
    """One form for what different keyboards send as the same characters."""
    return unicodedata.normalize("NFC", password)
