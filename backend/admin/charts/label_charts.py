"""The charts of labels: how much there is of each, and how gold has grown."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _

from backend.workflow.labels.balance import Balance

SMALLEST = 0.7  # where the logarithmic scale begins: one entity is still seen
LINES = 8  # labels drawn in the growth
COLOURS = ("person", "open", "good", "bad", "skipped", "accent", "pool", "deleted")


def balance_chart(found: Balance) -> dict[str, Any]:
    """Gold, autolabels and predictions of each label, and the minimum support, as Chart.js has it.

    Most gold comes first. What there is nothing of is left out.
    """
    drawn = [one for one in found.labels if one.has_any]
    labels = sorted(drawn, key=lambda one: (-one.gold.entities, one.label))
    bars = (
        (_("Gold"), [one.gold.entities for one in labels], "--person"),
        (_("Autolabels"), [one.autolabels.entities for one in labels], "--open"),
        (_("Predictions"), [one.predictions.entities for one in labels], "--pool"),
    )
    datasets: list[dict[str, Any]] = [
        {
            "type": "line",
            "label": _("Minimum support"),
            "data": [found.minimum or None] * len(labels),
            "borderColor": "--bad",
            "borderDash": [6, 4],
            "borderWidth": 2,
            "pointRadius": 0,
        }
    ]
    datasets += [
        {"label": title, "data": data, "backgroundColor": colour}
        for title, data, colour in bars
        if any(data)
    ]
    return {
        "type": "bar",
        "data": {"labels": [one.label for one in labels], "datasets": datasets},
        "options": {
            "indexAxis": "y",
            "scales": {
                "x": {
                    "type": "logarithmic",
                    "min": SMALLEST,
                    "title": {"display": True, "text": _("Entities")},
                    "ticks": {"format": {"minimumFractionDigits": 0, "maximumFractionDigits": 0}},
                },
                "y": {"ticks": {"autoSkip": False}},
            },
        },
    }


def growth_chart(growth: Mapping[str, Any], chosen: Sequence[str]) -> dict[str, Any]:
    """Gold entities day by day of these labels, or of those that have most."""
    most = sorted(growth["labels"], key=lambda label: -growth["labels"][label][-1])
    shown = [label for label in chosen if label in growth["labels"]] or most[:LINES]
    datasets = [
        {
            "label": label,
            "data": growth["labels"][label],
            "borderColor": f"--{COLOURS[number % len(COLOURS)]}",
            "backgroundColor": f"--{COLOURS[number % len(COLOURS)]}",
            "pointRadius": 1 if len(growth["days"]) > 1 else 4,
        }
        for number, label in enumerate(shown)
    ]
    return {
        "type": "line",
        "data": {"labels": list(growth["days"]), "datasets": datasets},
        "options": {"scales": {"y": {"beginAtZero": True}}},
    }
