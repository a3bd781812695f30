"""The curves of a replay as a PNG: F1 against documents, entities, edits and minutes."""

from collections.abc import Mapping
from pathlib import Path

from backend.workflow.replay.areas import Curves
from backend.workflow.replay.config import FULL, RANDOM
from backend.workflow.replay.points import COSTS
from backend.workflow.replay.report import OF_FULL, shown_points

AXES = {
    "documents": "documents annotated",
    "entities": "entities in them",
    "edits": "edits made by hand",
    "seconds": "estimated minutes",
}


def draw(curves: Mapping[str, Curves], path: Path) -> None:
    """One panel a cost, a line a strategy with its interval over seeds; writes the file."""
    # Only this needs matplotlib, whose import takes longer than the rest of a round.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(11, 8.4), layout="constrained")
    FigureCanvasAgg(figure)
    full = [run[-1].f1 for run in curves.get(FULL, {}).values()]
    for place, cost in enumerate(COSTS, start=1):
        axes = figure.add_subplot(2, 2, place)
        for name, its in curves.items():
            points = shown_points(its, cost)
            if name == FULL or len(points) < 2:
                continue
            spent, means = [each for each, _ in points], [mean for _, mean in points]
            (line,) = axes.plot(spent, [mean.value for mean in means], label=name, marker=".")
            if name == RANDOM:
                line.set(color="0.45", linestyle="--")
            low = [mean.low for mean in means if mean.low is not None]
            high = [mean.high for mean in means if mean.high is not None]
            if len(low) == len(high) == len(spent):
                axes.fill_between(spent, low, high, alpha=0.12, color=line.get_color())
        if full:
            axes.axhline(OF_FULL * sum(full) / len(full), color="0.7", linewidth=1)
        axes.set(xlabel=AXES[cost], ylabel="strict F1")
    if figure.axes[0].lines:
        figure.axes[0].legend(loc="lower right", fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=130)
