"""The audit log: who changed what, when, from what to what."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.tables_of_access import AuditEntry

LONGEST_SUBJECT = 254


def record(
    session: Session,
    who: str,
    action: str,
    *,
    project_id: int | None = None,
    subject: object = "",
    before: Any = None,
    after: Any = None,
) -> AuditEntry:
    """Note a change in the transaction that makes it: both are kept, or neither.

    `action` is a noun and a verb, as in `label.merge`; `subject` names the thing, as in `run 12`.
    `before` and `after` are small JSON values; never a document's text, never a secret.
    """
    entry = AuditEntry(
        who=who,
        action=action,
        project_id=project_id,
        subject=str(subject)[:LONGEST_SUBJECT],
        before=before,
        after=after,
    )
    session.add(entry)
    session.flush()
    return entry


def audit_entries(
    session: Session,
    *,
    project_id: int | None = None,
    who: str = "",
    action: str = "",
    before: int | None = None,
    limit: int = 50,
) -> Sequence[AuditEntry]:
    """The newest entries first; `before` is the id of the last one seen.

    `project_id` leaves out other projects, `who` and `action` are the beginnings of theirs.
    """
    statement = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if project_id is not None:
        statement = statement.where(AuditEntry.project_id == project_id)
    if who:
        statement = statement.where(AuditEntry.who.startswith(who, autoescape=True))
    if action:
        statement = statement.where(AuditEntry.action.startswith(action, autoescape=True))
    if before is not None:
        statement = statement.where(AuditEntry.id < before)
    return session.scalars(statement).all()
