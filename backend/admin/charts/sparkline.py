"""A line of scores small enough for a card, as the points of an SVG polyline."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, MARGIN = 120.0, 32.0, 3.0
LEAST_SPAN = 0.05  # of F1: smaller differences are not blown up


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The points, and the last of them."""

    points: str
    x: float
    y: float


def sparkline(scores: Sequence[float]) -> Sparkline | None:
    """The line through scores, evenly spaced, the newest at the right; None for fewer than two."""
    if len(scores) < 2:
        return None
    low, span = min(scores), max(max(scores) - min(scores), LEAST_SPAN)
    step = (WIDTH - 2 * MARGIN) / (len(scores) - 1)
    points = [
        (MARGIN + at * step, HEIGHT - MARGIN - (score - low) / span * (HEIGHT - 2 * MARGIN))
        for at, score in enumerate(scores)
    ]
    return Sparkline(" ".join(f"{x:.1f},{y:.1f}" for x, y in points), *points[-1])
