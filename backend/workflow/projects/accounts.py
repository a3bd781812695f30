"""Accounts, roles, passwords and tokens, changed by somebody: each change is in the audit log."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from backend.db.accounts import add_account, existing_account, set_password, set_role
from backend.db.api_tokens import make_token, revoke_token
from backend.db.audit_log import record
from backend.db.scopes import Scope
from backend.db.tables import Account, Role
from backend.db.tables_of_access import ApiToken


def add_person(
    session: Session, email: str, role: Role, *, by: str, password: str | None, name: str = ""
) -> Account:
    """Make an account; errors as of `add_account`."""
    account = add_account(session, email, role=role, password=password, name=name)
    record(session, by, "account.add", subject=account.email, after={"role": str(role)})
    return account


def give_role(session: Session, account_id: int, role: Role, *, by: str, own: str) -> Account:
    """Give an account another role; `own` is the address of whoever asks, who may not be it."""
    account, before = set_role(session, account_id, role, by=own)
    record(session, by, "account.role", subject=account.email, before=before, after=str(role))
    return account


def change_password(session: Session, email: str, password: str, *, by: str) -> Account:
    """Give an account another password: its sessions end. The log says that, and no more."""
    account = existing_account(session, email)
    set_password(account, password)
    record(session, by, "account.password", subject=account.email)
    return account


def give_token(
    session: Session,
    account: Account,
    name: str,
    scopes: Collection[Scope],
    *,
    by: str,
    expires_at: datetime | None = None,
) -> tuple[ApiToken, str]:
    """Make a token for an account; with it, the only time, what a program shows."""
    token, shown = make_token(session, account, name, scopes, made_by=by, expires_at=expires_at)
    after = {
        "account": account.email,
        "scopes": token.scopes,
        "expires_at": expires_at.isoformat() if expires_at else None,
    }
    record(session, by, "token.make", subject=f"token {token.name}", after=after)
    return token, shown


def end_token(session: Session, token_id: int, *, by: str) -> ApiToken:
    """Let a token be worth nothing from now on; raises NotFoundError."""
    token = revoke_token(session, token_id)
    record(session, by, "token.revoke", subject=f"token {token.name}", before=token.scopes)
    return token
