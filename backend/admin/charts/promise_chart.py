"""The promise as a picture: precision against coverage, with the chosen point."""

from typing import Any

from flask_babel import gettext as _

from backend.db.tables_of_autolabel import Promise

Chart = dict[str, Any]


def promise_chart(promise: Promise) -> Chart | None:
    """Chart.js's configuration, None for a promise that has no curve; shares are in percent."""
    documents = promise.figures.get("documents", 0)
    points = promise.figures.get("curve") or []
    if not documents or not points:
        return None
    right = [_point(one["tested"] / documents, one["right"] / one["tested"]) for one in points]
    least = [_point(one["tested"] / documents, one["lower"]) for one in points]
    sets = [
        _line(_("Exactly right on certify gold"), right, "--open", 3),
        _line(
            _("At least, with confidence %(share)s", share=f"{1 - promise.delta:.0%}"),
            least,
            "--skipped",
            0,
            dashes=[6, 4],
        ),
        _line(
            _("Promised"), [_point(0, promise.p), _point(1, promise.p)], "--bad", 0, dashes=[2, 3]
        ),
    ]
    if promise.threshold is not None and promise.figures.get("tested"):
        tested = promise.figures["tested"]
        chosen = _point(tested / documents, promise.figures["right"] / tested)
        sets.insert(0, {**_line(_("Chosen"), [chosen], "--accent", 7), "pointStyle": "rectRot"})
    return {
        "type": "scatter",
        "data": {"datasets": sets},
        "options": {
            "scales": {
                "x": _axis(_("Coverage: share of the documents, in percent"), 0),
                "y": _axis(_("Precision: exactly right, in percent"), _lowest(right, promise.p)),
            },
        },
    }


def _point(coverage: float, precision: float) -> dict[str, float]:
    return {"x": round(100 * coverage, 2), "y": round(100 * precision, 2)}


def _line(
    label: str,
    data: list[dict[str, float]],
    colour: str,
    radius: int,
    dashes: list[int] | None = None,
) -> Chart:
    line = {"label": label, "data": data, "showLine": True, "borderColor": colour}
    more = {"backgroundColor": colour, "pointRadius": radius, "borderWidth": 2}
    return {**line, **more, "borderDash": dashes or []}


def _axis(title: str, least: int) -> Chart:
    return {"type": "linear", "title": {"display": True, "text": title}, "min": least, "max": 100}


def _lowest(points: list[dict[str, float]], p: float) -> int:
    """Where an axis begins that shows all of these points and some room below, by tens."""
    low = min(100 * p, *(point["y"] for point in points))
    return max(0, int(low - 5) // 10 * 10)
