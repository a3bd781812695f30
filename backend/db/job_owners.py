"""Whose project a job is about, by what the job was given."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.tables import Publication, Run
from backend.db.tables_of_autolabel import AutolabelRun
from backend.db.tables_of_doubts import DoubtRun


def projects_of_runs(session: Session, run_ids: Collection[int]) -> dict[int, int]:
    """The project of each of these training runs."""
    found = session.execute(select(Run.id, Run.project_id).where(Run.id.in_(run_ids)))
    return {run_id: project_id for run_id, project_id in found}


def projects_of_publications(session: Session, ids: Collection[int]) -> dict[int, int]:
    """The project of each of these publications."""
    statement = select(Publication.id, Publication.project_id).where(Publication.id.in_(ids))
    return {number: project_id for number, project_id in session.execute(statement)}


def projects_of_doubt_runs(session: Session, ids: Collection[int]) -> dict[int, int]:
    """The project of each of these looks for label errors."""
    statement = select(DoubtRun.id, DoubtRun.project_id).where(DoubtRun.id.in_(ids))
    return {number: project_id for number, project_id in session.execute(statement)}


def projects_of_autolabel_runs(session: Session, ids: Collection[int]) -> dict[int, int]:
    """The project of each of these autolabel runs."""
    statement = select(AutolabelRun.id, AutolabelRun.project_id).where(AutolabelRun.id.in_(ids))
    return {number: project_id for number, project_id in session.execute(statement)}
