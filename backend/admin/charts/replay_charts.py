"""The chart of a replay, as a configuration of Chart.js."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _

from backend.workflow.replay.areas import Curves
from backend.workflow.replay.config import RANDOM
from backend.workflow.replay.points import Cost
from backend.workflow.replay.report import shown_points

COLOURS = ("--open", "--person", "--good", "--bad", "--skipped", "--accent")


def curves_chart(
    curves: Mapping[str, Curves], cost: Cost, named: Callable[[str], str]
) -> dict[str, Any]:
    """F1 over what was spent, the mean of the seeds; random is dashed."""
    titles = {
        "documents": _("Documents annotated"),
        "entities": _("Entities in them"),
        "edits": _("Edits made by hand"),
        "seconds": _("Minutes, estimated"),
    }
    others = [name for name in curves if name != RANDOM]
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(others)}
    sets = []
    for name, its in curves.items():
        points = [
            {"x": round(spent, 1), "y": round(mean.value, 4)}
            for spent, mean in shown_points(its, cost)
        ]
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
    axes = {
        "x": {"title": {"display": True, "text": titles[cost]}, "type": "linear"},
        "y": {"title": {"display": True, "text": _("F1")}},
    }
    return {"type": "line", "data": {"datasets": sets}, "options": {"scales": axes}}
