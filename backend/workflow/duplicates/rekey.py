"""Keys of duplicate groups made anew, when a project begins or ceases to fold case.

Groups that fall together share the most secret of their roles, as near groups do. Dedupe looks
again at every document of a group that has changed.
"""

from sqlalchemy import and_, bindparam, select, update
from sqlalchemy.orm import Session

from backend.db.bulk import is_one_of
from backend.db.document_counts import documents_counted
from backend.db.groups import unite_exact, unite_parts
from backend.db.projects import settings_of, walked_in
from backend.db.tables import Document, Project
from backend.db.tables_of_labels import Adjudication
from backend.db.versions import locked_project
from backend.workflow.duplicates.normal_form import group_key

CHUNK = 1000  # documents a transaction

_documents = Document.__table__
_SET_KEY = (
    update(Document.__table__)  # type: ignore[arg-type]
    .where(_documents.c.id == bindparam("document"))
    .values(group_key=bindparam("key"))
)


def folding_wanted(session: Session, project_id: int) -> bool | None:
    """How keys are to be made, folded or not; None when they are made so."""
    project = session.get_one(Project, project_id)
    folded = settings_of(project).casefold
    return None if folded == project.keys_folded else folded


def rekey(
    session: Session,
    project_id: int,
    after: int,
    limit: int = CHUNK,
    *,
    folded: bool | None = None,
) -> int | None:
    """Give the next documents by number their keys, as the settings ask for unless told.

    Returns the last number. None when there was no document left: decisions about groups follow
    their documents then, and the project knows how its keys are made.
    """
    project = locked_project(session, project_id)
    casefold = settings_of(project).casefold if folded is None else folded
    rows = session.execute(
        select(Document.id, Document.text, Document.group_key)
        .where(walked_in(Document.project_id, project_id), Document.id > after)
        .order_by(Document.id)
        .limit(limit)
    ).all()
    if not rows:
        _move_decisions(session, project_id)
        project.keys_folded = casefold
        return None
    keys = {row.id: group_key(row.text, casefold) for row in rows}
    changed = [row for row in rows if row.group_key != keys[row.id]]
    if changed:
        left = is_one_of(session, Document.group_key, {row.group_key for row in changed})
        connection = session.connection()
        its = and_(Document.project_id == project_id, left)
        with documents_counted(session, project_id, its):
            connection.execute(update(Document).where(its).values(deduped=False))
        connection.execute(_SET_KEY, [{"document": row.id, "key": keys[row.id]} for row in changed])
        _unite(session, project_id, {keys[row.id] for row in changed})
    last: int = rows[-1].id
    return last


def _unite(session: Session, project_id: int, keys: set[str]) -> None:
    unite_exact(session, project_id, keys)
    near = session.scalars(
        select(Document.near_id)
        .where(
            Document.project_id == project_id,
            Document.near_id.is_not(None),
            is_one_of(session, Document.group_key, keys),
        )
        .distinct()
    )
    unite_parts(session, project_id, {number for number in near if number is not None})


def _move_decisions(session: Session, project_id: int) -> None:
    its_key = (
        select(Document.group_key).where(Document.id == Adjudication.document_id).scalar_subquery()
    )
    session.connection().execute(
        update(Adjudication).where(Adjudication.project_id == project_id).values(group_key=its_key)
    )
