"""The folder of a replay, which is the truth about it: whoever looks can go on with it.

    OUT/config.json              what was asked for
    OUT/gold/                    a snapshot: the pool (`train`), `dev` and `gate`
    OUT/runs/STRATEGY-SEED/      one run; its `result.json` comes last
        curve.jsonl              what was measured so far, see points.py
        round-NN/train/          job folder of the round's training
        round-NN/predict/        job folder of the predictions that the next batch is chosen by
        round-NN/chosen.json     ids of that batch, in order
        round-NN/point.json      the round's line of the curve
    OUT/models/                  versions, as long as a round needs them
    OUT/report.json, curves.png  what came of it
    OUT/cancel, OUT/result.json  as of every job folder

All runs of one seed begin with the same documents: their first round is one, in `start-SEED`.
"""

import json
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from backend.errors import ConflictError, NotFoundError
from backend.workflow.replay.config import FULL, RANDOM, ReplayConfig
from backend.workflow.replay.gold import POOL
from backend.workflow.replay.points import Point
from backend.workflow.strategies.registry import needs
from backend.workflow.strategies.strategy import Need
from ml_backend.contract.messages import JobFolder, Result, read_jsonl, write_jsonl
from ml_backend.contract.model_store import ModelStore, write_atomically

STORE_KEY = "replay"  # the project of its versions in its own store


@dataclass(frozen=True)
class Run:
    """One strategy with one seed."""

    replay: "Replay"
    strategy: str
    seed: int

    @property
    def name(self) -> str:
        return f"{re.sub(r'[^a-z0-9_.+-]', '_', self.strategy)}-{self.seed}"

    @property
    def job(self) -> JobFolder:
        return JobFolder(self.replay.path / "runs" / self.name)

    @property
    def rounds(self) -> int:
        """The last round; 0 is the one before any choice.

        Random goes on for half as many again: what a strategy saves of its documents can be said
        only once it has come as far.
        """
        asked = self.replay.config.rounds
        if self.strategy == FULL:
            return 0
        return self.replay.batches(asked + asked // 2 if self.strategy == RANDOM else asked)

    def round(self, number: int) -> "Round":
        return Round(self, number)

    @property
    def measured(self) -> int:
        """How many rounds are measured."""
        points = (self.round(number).point.exists() for number in range(self.rounds + 1))
        return sum(points)

    def curve(self) -> list[Point]:
        """What was measured so far, by round."""
        path = self.job.path / "curve.jsonl"
        return [Point.from_dict(record) for record in read_jsonl(path)] if path.exists() else []

    def write_curve(self) -> None:
        """Put the points of the rounds together."""
        points = [
            json.loads(path.read_bytes())
            for number in range(self.rounds + 1)
            if (path := self.round(number).point).exists()
        ]
        write_jsonl(self.job.path / "curve.jsonl", points)

    def go_on(self) -> None:
        """Open it again where it ended before the last round that is wanted now."""
        result = self.job.result()
        if result is None or result.state != "done" or self.measured > self.rounds:
            return
        last = self.round(self.measured - 1)
        if not last.shared:  # its version is gone
            for job in (last.training, last.prediction):
                shutil.rmtree(job.path, ignore_errors=True)
        (self.job.path / "result.json").unlink()

    def seen(self, until: int) -> list[str]:
        """Ids of the documents chosen in the rounds before, in order."""
        return [id for n in range(until) for id in self.round(n).chosen()]


@dataclass(frozen=True)
class Round:
    """One round of a run: a training, and what it led to choose."""

    run: Run
    number: int

    @property
    def path(self) -> Path:
        return self.run.job.path / f"round-{self.number:02d}"

    @property
    def work(self) -> Path:
        """Where its job folders are: of the first round one for all runs of the seed."""
        run = self.run
        if self.number == 0 and run.strategy != FULL:
            return run.replay.path / "runs" / f"start-{run.seed}" / "round-00"
        return self.path

    @property
    def training(self) -> JobFolder:
        return JobFolder(self.work / "train")

    @property
    def prediction(self) -> JobFolder:
        """Its own where readings with dropout are wanted, which the other runs do without."""
        own = Need.DROPOUT in self.needs
        return JobFolder((self.path if own else self.work) / "predict")

    @property
    def shared(self) -> bool:
        """Whether other runs use its training too."""
        return self.work != self.path

    @property
    def needs(self) -> frozenset[Need]:
        """What its strategy must know of the candidates."""
        mixtures = self.run.replay.config.mixtures
        return needs(mixtures[self.run.strategy]) if self.run.strategy in mixtures else frozenset()

    @property
    def version(self) -> str:
        """The name of its version in the store."""
        place = self.work.relative_to(self.run.replay.path).as_posix()
        return f"r-{sha256(place.encode()).hexdigest()[:20]}"

    @property
    def point(self) -> Path:
        return self.path / "point.json"

    @property
    def has_chosen(self) -> bool:
        return (self.path / "chosen.json").exists()

    def write_point(self, point: Point) -> None:
        content = json.dumps(point.to_dict(), ensure_ascii=False).encode()
        write_atomically(self.point, content)

    def read_point(self) -> Point:
        """Its line of the curve."""
        return Point.from_dict(json.loads(self.point.read_bytes()))

    def chosen(self) -> list[str]:
        """Ids of the batch that it led to choose."""
        found = json.loads((self.path / "chosen.json").read_bytes())
        assert isinstance(found, list)
        return found

    def write_chosen(self, ids: Sequence[str]) -> None:
        write_atomically(self.path / "chosen.json", json.dumps(list(ids)).encode())

    def drop(self) -> None:
        """Remove its version, and all of its jobs but what was asked and how it ended.

        What runs share is removed whole: a run that comes later makes it again.
        """
        store = self.run.replay.store
        shutil.rmtree(store.version_folder(STORE_KEY, self.version), ignore_errors=True)
        for job in (self.training, self.prediction):
            if self.work in job.path.parents and self.shared:
                shutil.rmtree(job.path, ignore_errors=True)
            for path in job.path.iterdir() if job.path.is_dir() else ():
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                elif path.name not in ("request.json", "result.json"):
                    path.unlink(missing_ok=True)


@dataclass(frozen=True)
class Replay:
    """A replay's folder; see the module's docstring."""

    path: Path

    @property
    def job(self) -> JobFolder:
        return JobFolder(self.path)

    @property
    def gold(self) -> Path:
        return self.path / "gold"

    @property
    def store(self) -> ModelStore:
        return ModelStore(self.path / "models")

    @cached_property
    def config(self) -> ReplayConfig:
        """What was asked for; raises NotFoundError where there is no replay."""
        try:
            record = json.loads((self.path / "config.json").read_bytes())
        except FileNotFoundError:
            raise NotFoundError("replay", self.path.name) from None
        return ReplayConfig.from_dict(record)

    def batches(self, asked: int) -> int:
        """How many batches the pool has, as many as are asked for at most."""
        if self._pool is None:
            return asked
        return min(asked, max(0, self._pool - self.config.start) // self.config.batch)

    @cached_property
    def _pool(self) -> int | None:
        """How many documents there are to choose from; None before the gold is written."""
        if not (self.gold / "manifest.json").exists():
            return None
        manifest = json.loads((self.gold / "manifest.json").read_bytes())
        return int(manifest["counts"][POOL])

    def begin(self, config: ReplayConfig) -> None:
        """Write down what is asked; other strategies and more seeds and rounds go on with what is
        there.

        Raises ConflictError when the folder holds a replay that differs in anything else.
        """
        path = self.path / "config.json"
        if path.exists():
            if not self.config.goes_on(config):
                raise ConflictError(
                    f"{self.path} holds another replay: only strategies, seeds, cost and more "
                    "rounds may differ"
                )
            if self.config != config:
                (self.path / "result.json").unlink(missing_ok=True)
        write_atomically(path, json.dumps(config.to_dict(), ensure_ascii=False).encode())
        self.__dict__.pop("config", None)
        for run in self.runs():
            run.go_on()

    def runs(self) -> list[Run]:
        """Every run, seed by seed, so that all strategies have come equally far."""
        return [
            Run(self, strategy, seed)
            for seed in range(1, self.config.seeds + 1)
            for strategy in (FULL, *self.config.mixtures)
        ]

    def run(self, name: str) -> Run:
        """The run of a name; raises NotFoundError."""
        for run in self.runs():
            if run.name == name:
                return run
        raise NotFoundError("run", name)

    def far(self) -> tuple[int, int]:
        """How many rounds are measured, and of how many."""
        runs = self.runs()
        return sum(run.measured for run in runs), sum(run.rounds + 1 for run in runs)

    def curves(self) -> dict[str, dict[int, list[Point]]]:
        """What was measured: strategy → seed → points; runs without a point are left out."""
        found: dict[str, dict[int, list[Point]]] = {}
        for run in self.runs():
            if points := run.curve():
                found.setdefault(run.strategy, {})[run.seed] = points
        return found

    def ended(self) -> bool:
        """Whether every run has its result."""
        return all(run.job.result() is not None for run in self.runs())

    def failed(self) -> Result | None:
        """The first result of a run that is not done."""
        results = (run.job.result() for run in self.runs())
        return next((one for one in results if one is not None and one.state != "done"), None)

    def report(self) -> dict[str, Any] | None:
        """What came of it, None before there is anything."""
        return self.job.report()

    def cancel(self) -> None:
        """Ask the runs, and the jobs that they wait for, to stop."""
        self.job.ask_to_cancel()
        for path in self.path.glob("runs/*/round-*/*/request.json"):
            job = JobFolder(path.parent)
            if job.result() is None:
                job.ask_to_cancel()

    def forget_failures(self) -> None:
        """Let what failed or was cancelled be tried again."""
        for path in self._unfinished():
            if path.name in ("train", "predict"):
                shutil.rmtree(path)
            else:
                (path / "result.json").unlink()
        for asked in (self.path / "cancel", *self.path.glob("runs/*/round-*/*/cancel")):
            asked.unlink(missing_ok=True)

    def _unfinished(self) -> Iterator[Path]:
        for path in [self.path, *self.path.glob("runs/*"), *self.path.glob("runs/*/round-*/*")]:
            result = JobFolder(path).result() if path.is_dir() else None
            if result is not None and result.state != "done":
                yield path
