"""How a version scored, read from what training and gate have stored."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.db.tables import Run, Version
from ml_backend.contract.scoring import Scores


@dataclass(frozen=True, slots=True)
class LabelFigure:
    """One label's strict scores."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """How a version scored, and on what; labels without gold come last."""

    measured_on: str
    documents: int | None
    micro_f1: float
    macro_f1: float
    precision: float
    recall: float
    interval: tuple[float, float] | None
    labels: list[LabelFigure]


def version_figures(version: Version, run: Run | None) -> VersionFigures | None:
    """The scores of a version: on gate gold, or on dev gold where the gate had none."""
    gate = run.gate if run is not None else {}
    if gate.get("documents") and gate.get("challenger"):
        interval = gate.get("challenger_interval") or {}
        return _figures(
            gate["challenger"],
            "gate gold",
            gate["documents"],
            (interval["low"], interval["high"]) if interval else None,
        )
    dev = (version.figures.get("training") or {}).get("dev")
    return _figures(dev, "dev gold", None, None) if dev else None


def _figures(
    record: Mapping[str, Any],
    measured_on: str,
    documents: int | None,
    interval: tuple[float, float] | None,
) -> VersionFigures:
    scores = Scores.from_dict(record)
    labels = [
        LabelFigure(label, counts.precision, counts.recall, counts.f1, counts.support)
        for label, counts in scores.per_label.items()
    ]
    labels.sort(key=lambda figure: (figure.support == 0, -figure.f1, -figure.support, figure.label))
    return VersionFigures(
        measured_on,
        documents,
        scores.micro.f1,
        scores.macro_f1,
        scores.micro.precision,
        scores.micro.recall,
        interval,
        labels,
    )
