"""Accounts, their roles and passwords, changed by somebody: each change is in the audit log."""

from sqlalchemy.orm import Session

from backend.db.accounts import add_account, existing_account, set_password, set_role
from backend.db.audit_log import record
from backend.db.tables import Account, Role


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
