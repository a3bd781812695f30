"""A reliability diagram as a PNG: what was said against how often it came true."""

from collections.abc import Mapping
from pathlib import Path

from ml_backend.training.reliability import Reliability


def draw(parts: Mapping[str, Reliability], path: Path) -> None:
    """One panel for each named part; writes the file."""
    # Only this needs matplotlib, whose import takes longer than an evaluation.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(4.2 * len(parts), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    for place, (name, part) in enumerate(parts.items(), start=1):
        axes = figure.add_subplot(1, len(parts), place)
        said = [each.probability for each in part.bins]
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        axes.plot(said, [each.frequency for each in part.bins], marker="o", markersize=4)
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability", ylabel="share that was right")
        error = part.expected_calibration_error
        axes.set_title(f"{name}: {part.count}, ECE {error:.3f}, log-loss {part.log_loss:.3f}")
        axes.set_aspect("equal")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=150)
