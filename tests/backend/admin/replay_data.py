"""Replays of a project in every state, as workers would have left them."""

import json
from dataclasses import replace
from pathlib import Path

from backend.workflow.replay.annotator import Work
from backend.workflow.replay.config import ReplayConfig
from backend.workflow.replay.folder import Replay
from backend.workflow.replay.points import Point
from ml_backend.contract.messages import Result

CONFIG = ReplayConfig(
    strategies=("mnlp", "cost+mnlp"),
    rounds=3,
    seeds=3,
    project="empty",
    asked_by="curator@example.com",
)


def measured(
    jobs: Path, number: int, result: Result | None, *, gain: float = 0.05, key: str = "empty"
) -> Replay:
    """A replay whose curves are there, in which `mnlp` is better than random by `gain`."""
    its = Replay(jobs / "replays" / key / str(number))
    its.begin(replace(CONFIG, project=key))
    its.gold.mkdir()
    manifest = {"counts": {"train": 1000, "dev": 30, "gate": 60}}
    (its.gold / "manifest.json").write_text(json.dumps(manifest))
    for run in its.runs():
        done = Work()
        for place in range(run.rounds + 1):
            batch = Work(100, 250, kept=150, added=60, removed=20, moved=15, relabelled=5)
            done = done + batch
            better = gain if run.strategy == "mnlp" and place else 0.0
            f1 = 0.55 + 0.06 * place + better + 0.002 * ((run.seed * 7 + place) % 5)
            if run.strategy == "full":
                f1 = 0.74
            point = Point(place, done, batch, f1, (f1 - 0.02, f1 + 0.02), f1, {})
            run.round(place).write_point(point)
        run.write_curve()
        if result is not None:
            run.job.write_result(Result("done"))
    if result is not None:
        its.job.write_result(result)
    return its
