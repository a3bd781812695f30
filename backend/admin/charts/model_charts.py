"""The charts of the Models pages, as configurations of Chart.js."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from backend.workflow.forecasts.learning_curve import Brought, Point
from ml_backend.contract.course import CoursePoint

Chart = dict[str, Any]


def course_chart(points: Sequence[CoursePoint]) -> Chart:
    """Loss and F1 on dev over the steps of a training."""
    loss = [{"x": point.step, "y": round(point.loss, 4)} for point in points]
    looks = [
        {"x": point.step, "y": round(point.dev_f1, 4)}
        for point in points
        if point.dev_f1 is not None
    ]
    return {
        "type": "line",
        "data": {
            "datasets": [
                _line(_("Loss"), loss, "--skipped", yAxisID="y", pointRadius=0),
                _line(_("F1 on dev"), looks, "--open", yAxisID="f1", pointRadius=3),
            ]
        },
        "options": {
            "scales": {
                "x": _axis(_("Step"), type="linear"),
                "y": _axis(_("Loss"), min=0),
                "f1": _axis(
                    _("F1 on dev"), min=0, max=1, position="right", grid={"display": False}
                ),
            }
        },
    }


def learning_chart(points: Sequence[Point], forecasts: Sequence[Brought]) -> Chart:
    """F1 of the versions against what they learned from, and what more documents would bring."""
    ordered = sorted(points, key=lambda point: point.documents)
    measured = [{"x": one.documents, "y": round(one.f1, 4)} for one in ordered]
    sets = [_line(_("Versions"), measured, "--open", showLine=False, pointRadius=4)]
    if forecasts:
        for name, values in (
            (_("Forecast"), [one.f1.middle for one in forecasts]),
            (_("At least"), [one.f1.low for one in forecasts]),
            (_("At most"), [one.f1.high for one in forecasts]),
        ):
            likely = [
                {"x": one.documents, "y": round(value, 4)}
                for one, value in zip(forecasts, values, strict=True)
            ]
            middle = not sets[1:]
            sets.append(
                _line(
                    name,
                    likely,
                    "--person" if middle else "--pool",
                    borderDash=[] if middle else [4, 4],
                    pointRadius=3 if middle else 0,
                )
            )
    axes = {"x": _axis(_("Gold documents learned from"), type="linear"), "y": _axis(_("F1"), max=1)}
    return {"type": "line", "data": {"datasets": sets}, "options": {"scales": axes}}


def calibration_chart(calibration: Mapping[str, Any]) -> Chart:
    """How often what was said with a probability was right: entities, and whole documents."""
    names = {"spans": (_("Entities"), "--open"), "documents": (_("Whole documents"), "--person")}
    sets = [
        _line(
            name,
            [
                {"x": round(one["probability"], 4), "y": round(one["frequency"], 4)}
                for one in calibration[kind]["bins"]
            ],
            colour,
            pointRadius=4,
        )
        for kind, (name, colour) in names.items()
    ]
    sets.append(
        _line(
            _("As it should be"),
            [{"x": 0, "y": 0}, {"x": 1, "y": 1}],
            "--pool",
            pointRadius=0,
            borderDash=[4, 4],
        )
    )
    axes = {
        "x": _axis(_("Probability said"), type="linear", min=0, max=1),
        "y": _axis(_("Share that was right"), min=0, max=1),
    }
    return {"type": "line", "data": {"datasets": sets}, "options": {"scales": axes}}


def _line(name: str, data: list[dict[str, float]], colour: str, **options: Any) -> Chart:
    return {
        "label": name,
        "data": data,
        "borderColor": colour,
        "backgroundColor": colour,
        "borderWidth": 2,
        **options,
    }


def _axis(title: str, **options: Any) -> Chart:
    return {"title": {"display": True, "text": title}, **options}
