"""What the data path shows beside documents: conflicts, thin labels, proposals, releases."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.db.surveys import open_findings
from backend.db.tables import Project
from backend.db.tables_of_autolabel import Autolabel, AutolabelState
from backend.db.tables_of_releases import Release
from backend.db.tables_of_surveys import Found
from backend.workflow.labels.balance import balance


@dataclass(frozen=True, slots=True)
class PathFigures:
    """Counts that others keep; nothing is scanned for them."""

    conflicts: int  # groups of copies that are labelled differently, as the last survey saw them
    thin_labels: int  # labels with less gold than the minimum
    minimum: int  # gold entities below which a label is left out of training
    proposals: int  # of the autolabel queue, for a person to decide
    release: int  # the newest one's number, 0 before the first


def path_figures(session: Session, project: Project) -> PathFigures:
    """Gather them in half a dozen short queries."""
    found = open_findings(session, project.id)
    labels = balance(session, project)
    pending = select(func.count()).where(
        Autolabel.project_id == project.id, Autolabel.state == AutolabelState.PENDING
    )
    newest = select(func.max(Release.number)).where(Release.project_id == project.id)
    proposals, release = session.execute(
        select(pending.scalar_subquery(), newest.scalar_subquery())
    ).one()
    return PathFigures(
        conflicts=found.get(Found.EXACT_CONFLICT, 0) + found.get(Found.NEAR_CONFLICT, 0),
        thin_labels=sum(number < labels.minimum for number in labels.support.values()),
        minimum=labels.minimum,
        proposals=proposals,
        release=release or 0,
    )
