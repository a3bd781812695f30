"""The page that says what a target F1 still needs, label by label."""

import math

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from backend.db.projects import project_by_key
from backend.opened import opened
from backend.workflow.forecasts.forecast import State, project_forecast
from backend.workflow.forecasts.learning_curve import FARTHEST

forecast_page = Blueprint("forecast", __name__, url_prefix="/projects/<key>/models/forecast")


@forecast_page.get("")
def show(key: str) -> ResponseReturnValue:
    """More documents and minutes to the target in the address, or to the next twentieth of F1."""
    asked = request.args.get("target", "").strip()
    target = _target(asked)
    with opened().database.read() as session:
        project = project_by_key(session, key)
        found = project_forecast(session, project, target)
    return render_template(
        "forecast.html",
        project=project,
        found=found,
        states=State,
        times=FARTHEST,
        asked=asked,
        wrong=asked if asked and target is None else "",
    )


def _target(asked: str) -> float | None:
    """The F1 that was typed, with a point or a comma; None where it is none."""
    try:
        target = float(asked.replace(",", "."))
    except ValueError:
        return None
    return target if math.isfinite(target) and 0 < target < 1 else None
