"""The chart of a replay, as a configuration of Chart.js."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from backend.workflow.replay.areas import Curves, Mean
from backend.workflow.replay.config import RANDOM
from backend.workflow.replay.points import Cost
from backend.workflow.replay.report import shown_points

COLOURS = ("--open", "--person", "--good", "--bad", "--skipped", "--accent")


def curves_chart(
    curves: Mapping[str, Curves], cost: Cost, named: Callable[[str], str]
) -> dict[str, Any]:
    """F1 over what was spent, the mean of the seeds with its interval; random is dashed."""
    titles = {
        "documents": _("Documents annotated"),
        "entities": _("Entities in them"),
        "edits": _("Edits made by hand"),
        "seconds": _("Minutes, estimated"),
    }
    others = [name for name in curves if name != RANDOM]
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(others)}
    sets: list[dict[str, Any]] = []
    for name, its in curves.items():
        points = [_point(spent, mean) for spent, mean in shown_points(its, cost)]
        colour = colours.get(name, "--muted")
        sets.append(
            {
                "label": named(name),
                "data": points,
                "borderColor": colour,
                "backgroundColor": colour,
                "borderWidth": 2,
                "borderDash": [5, 4] if name == RANDOM else [],
                "pointRadius": 3,
            }
        )
        if all("low" in point for point in points):
            sets += _band(points, named(name), colour)
    axes = {
        "x": {"title": {"display": True, "text": titles[cost]}, "type": "linear"},
        "y": {"title": {"display": True, "text": _("F1")}} | _limits(sets),
    }
    return {"type": "line", "data": {"datasets": sets}, "options": {"scales": axes}}


def _point(spent: float, mean: Mean) -> dict[str, float]:
    point = {"x": round(spent, 1), "y": round(mean.value, 4)}
    if mean.low is not None and mean.high is not None:
        point |= {"low": round(max(0.0, mean.low), 4), "high": round(min(1.0, mean.high), 4)}
    return point


def _band(points: Sequence[Mapping[str, float]], label: str, colour: str) -> list[dict[str, Any]]:
    """The interval as two lines that are not seen, and the area between them."""
    ends = [[{"x": point["x"], "y": point[end]} for point in points] for end in ("low", "high")]
    unseen = {"label": label, "band": True, "borderWidth": 0, "pointRadius": 0, "pointHitRadius": 0}
    return [
        {**unseen, "data": ends[0]},
        {**unseen, "data": ends[1], "fill": "-1", "backgroundColor": f"{colour}/22"},
    ]


def _limits(sets: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The ends of the axis by the means: intervals of two seeds would press them flat."""
    means = [point["y"] for its in sets if "band" not in its for point in its["data"]]
    if not means:
        return {}
    return {
        "min": max(0, math.floor(20 * min(means) - 0.5) / 20),
        "max": min(1, math.ceil(20 * max(means) + 0.5) / 20),
    }
