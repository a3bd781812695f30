"""Questions about the members of a project: the people who work in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.tables import Account
from backend.db.tables_of_access import ProjectMember


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a project, and since when."""

    account: Account
    since: datetime


def members(session: Session, project_id: int) -> Sequence[Member]:
    """The people of a project, by address."""
    rows = session.execute(
        select(Account, ProjectMember.created_at)
        .join(ProjectMember, ProjectMember.account_id == Account.id)
        .where(ProjectMember.project_id == project_id)
        .order_by(Account.email)
    )
    return [Member(account, since) for account, since in rows]


def is_member(session: Session, project_id: int, account_id: int) -> bool:
    """Whether somebody works in a project."""
    return session.get(ProjectMember, (project_id, account_id)) is not None


def note_member(session: Session, project_id: int, account_id: int) -> bool:
    """Make somebody a member of a project; False for one who is. The project must be held."""
    if is_member(session, project_id, account_id):
        return False
    session.add(ProjectMember(project_id=project_id, account_id=account_id))
    session.flush()
    return True
