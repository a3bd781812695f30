"""The forecast: what a target F1 still needs."""

from typing import Annotated

from pydantic import Field

from backend.api.rest.fields import Key, Strict
from backend.api.rest.operation import Operations
from backend.db.projects import project_by_key
from backend.opened import opened
from backend.workflow.forecasts.forecast import ProjectForecast, project_forecast

forecasts = Operations("Forecast")


class Aim(Strict):
    """The F1 to reach."""

    target: Annotated[
        float | None, Field(gt=0, lt=1, description="left out: the next twentieth above what is")
    ] = None


@forecasts.get("/projects/{key}/forecast")
def show_forecast(key: Key, query: Aim) -> ProjectForecast:
    """How many more documents and minutes bring a version to a target F1, label by label.

    Ranges hold four of five outcomes; an end that is null is open.
    """
    with opened().database.read() as session:
        return project_forecast(session, project_by_key(session, key), query.target)
