"""Questions about the members of a project: the people who work in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select, tuple_
from sqlalchemy.orm import Session, aliased

from backend.db.accounts import address_of
from backend.db.tables import Account, Project, Role
from backend.db.tables_of_access import ProjectMember


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a project, and since when."""

    account: Account
    since: datetime


def members(
    session: Session, project_id: int, *, after: int = 0, limit: int | None = None
) -> Sequence[Member]:
    """The people of a project, by address; those after account `after` where it is given."""
    statement = (
        select(Account, ProjectMember.created_at)
        .join(ProjectMember, ProjectMember.account_id == Account.id)
        .where(ProjectMember.project_id == project_id)
    )
    if after:
        statement = statement.where(Account.email > address_of(after))
    rows = session.execute(statement.order_by(Account.email).limit(limit))
    return [Member(account, since) for account, since in rows]


def no_members(session: Session, project_id: int, limit: int) -> Sequence[Account]:
    """The first accounts, by address, that are no members of a project."""
    its = (ProjectMember.project_id == project_id, ProjectMember.account_id == Account.id)
    statement = select(Account).where(~exists().where(*its))
    return session.scalars(statement.order_by(Account.email).limit(limit)).all()


def visible_projects(
    session: Session, role: str, account_id: int, *, after: int = 0, limit: int | None = None
) -> Sequence[Project]:
    """The projects that somebody may open, by name: annotators those that they work in.

    Those after project `after` where it is given.
    """
    statement = select(Project).order_by(Project.name, Project.id).limit(limit)
    if role == Role.ANNOTATOR:
        its = ProjectMember.project_id == Project.id
        statement = statement.join(ProjectMember, its)
        statement = statement.where(ProjectMember.account_id == account_id)
    if after:
        last = aliased(Project)
        name = select(last.name).where(last.id == after).scalar_subquery()
        statement = statement.where(tuple_(Project.name, Project.id) > tuple_(name, after))
    return session.scalars(statement).all()


def may_open(session: Session, key: str, role: str, account_id: int) -> bool:
    """Whether somebody may open the project of a key: annotators one that they work in."""
    if role != Role.ANNOTATOR:
        return True
    its = (ProjectMember.project_id == Project.id, ProjectMember.account_id == account_id)
    return (
        session.scalar(
            select(Project.id).join(ProjectMember, its[0]).where(Project.key == key, its[1])
        )
        is not None
    )


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
