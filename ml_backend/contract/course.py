"""The course of a training: loss and F1 on dev as it goes on, a line a point in a JSON Lines file.

Training appends, the application's pages read meanwhile. A training that goes on from where it was
saved says some steps again: the later line counts.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CoursePoint:
    """One step: `loss` is a text's mean, smoothed; `dev_f1` is there where dev was looked at."""

    step: int
    epoch: float
    loss: float
    dev_f1: float | None = None


def append_point(path: Path, point: CoursePoint) -> None:
    """Add a point to the file, which comes into being with the first."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(point)) + "\n")


def read_course(path: Path) -> list[CoursePoint]:
    """The points by step; none where there is no file. A line that is half written is left out."""
    try:
        lines = path.read_text("utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return []
    points = [CoursePoint(**json.loads(line)) for line in lines]
    return sorted({point.step: point for point in points}.values(), key=lambda point: point.step)
