"""Who works in a project: added and taken out by a curator, each change in the audit log."""

from sqlalchemy.orm import Session

from backend.db.accounts import existing_account
from backend.db.audit_log import record
from backend.db.members import note_member
from backend.db.tables import Account, Project
from backend.db.tables_of_access import ProjectMember
from backend.errors import ConflictError, NotFoundError


def add_member(session: Session, project: Project, email: str, *, by: str) -> Account:
    """Make somebody a member; the project must be held.

    Raises NotFoundError for an address without an account, ConflictError for who is a member.
    """
    account = existing_account(session, email)
    if not note_member(session, project.id, account.id):
        raise ConflictError(f"{account.email} is a member already")
    record(session, by, "member.add", project_id=project.id, subject=account.email)
    return account


def remove_member(session: Session, project: Project, account_id: int, *, by: str) -> Account:
    """Take somebody out; what they annotated stays, and annotating makes them a member again.

    Raises NotFoundError for who is no member.
    """
    found = session.get(ProjectMember, (project.id, account_id), with_for_update=True)
    account = session.get(Account, account_id)
    if found is None or account is None:
        raise NotFoundError("member", account_id)
    session.delete(found)
    record(session, by, "member.remove", project_id=project.id, subject=account.email)
    return account
