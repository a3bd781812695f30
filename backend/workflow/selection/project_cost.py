"""The cost model of one project, from its people's newest annotations."""

from sqlalchemy.orm import Session

from backend.db.efforts import newest_efforts
from backend.workflow.selection.cost import CostModel, Effort, fit

NEWEST = 2000  # annotation states


def project_cost(session: Session, project_id: int) -> CostModel:
    """Fitted to the lead times that Label Studio counted; the defaults where it counted none."""
    return fit(efforts_of(session, project_id))


def efforts_of(session: Session, project_id: int) -> list[Effort]:
    """What it is fitted to."""
    return [Effort(*effort) for effort in newest_efforts(session, project_id, NEWEST)]
