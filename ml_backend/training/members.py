"""Members of one model, trained side by side on the same gold with seeds of their own.

Each is a training like any other. Where there are cores for it, and no GPU, they run in processes
of their own; how many run at once changes nothing in the result.
"""

import multiprocessing
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import torch

from ml_backend.contract.scoring import Scores
from ml_backend.tagger import checkpoint
from ml_backend.tagger.checkpoint import CheckpointError
from ml_backend.tagger.predict import Tagger
from ml_backend.tagger.together import together
from ml_backend.training.config import TrainingConfig, TrainingConfigError
from ml_backend.training.dataset import TrainingData
from ml_backend.training.evaluate import evaluate
from ml_backend.training.fit import Fitted, Step, fit
from ml_backend.training.state import mark_of

LOOK = 0.5  # seconds between looks at the members' steps


def fit_members(
    data: TrainingData,
    config: TrainingConfig,
    *,
    seed: int,
    device: torch.device,
    watch: Callable[[Step], None],
    resume_in: Path | None = None,
    start_from: Path | None = None,
) -> Fitted:
    """As `fit`, for `config.members` of them; the steps that are told are all members' together.

    A member that an earlier, killed training finished is not trained again. Raises
    TrainingConfigError under torchrun, whose processes train one model together.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise TrainingConfigError("members train in processes of their own: not under torchrun")
    with _folder(resume_in) as folder:
        members = [
            Member(
                data,
                config.model_copy(update={"members": 1}),
                seed if number == 0 else random.Random(f"{seed} {number}").getrandbits(31),
                str(folder / f"member-{number}"),
                start_from,
            )
            for number in range(config.members)
        ]
        told = _Told(watch, len(members))
        if _at_once(device) == 1:
            for number, member in enumerate(members):
                member.train(device, lambda step, number=number: told(number, step))  # type: ignore[misc]
        else:
            _train_apart(members, told)
        fitted = [member.fitted() for member in members]
    model = together([one.model for one in fitted])
    return Fitted(
        model.eval(),
        evaluate(Tagger(model, device), data.dev),
        max(one.steps for one in fitted),
        sum(one.epochs for one in fitted) / len(fitted),
        fitted[0].start,
        min(one.resumed for one in fitted),
    )


@dataclass(frozen=True)
class Member:
    """One training, which ends as a tagger in `folder/done`."""

    data: TrainingData
    config: TrainingConfig
    seed: int
    folder: str
    start_from: Path | None

    def train(self, device: torch.device, watch: Callable[[Step], None]) -> None:
        """Train it and keep it, unless that has been done."""
        if self._record() is not None:
            return
        folder = Path(self.folder)
        fitted = fit(
            self.data,
            self.config,
            seed=self.seed,
            device=device,
            watch=watch,
            resume_in=folder / "state",
            start_from=self.start_from,
        )
        record = {
            "mark": self._mark(),
            "dev": fitted.dev.to_dict(),
            "steps": fitted.steps,
            "epochs": fitted.epochs,
            "start": fitted.start,
            "resumed": fitted.resumed,
        }
        checkpoint.save(fitted.model, folder / "done", training=record)

    def fitted(self) -> Fitted:
        """What came of it."""
        record = self._record()
        assert record is not None, self.folder
        model = checkpoint.load(Path(self.folder) / "done")
        scores = Scores.from_dict(record["dev"])
        about = (record["steps"], record["epochs"], record["start"], record["resumed"])
        return Fitted(model, scores, *about)

    def _record(self) -> dict[str, Any] | None:
        try:
            record = checkpoint.training_record(Path(self.folder) / "done")
        except CheckpointError:
            return None
        return record if record.get("mark") == self._mark() else None

    def _mark(self) -> str:
        return mark_of(self.data, self.config, seed=self.seed, together=0)


class _Told:
    """Tells how far all members are, from what each says of itself."""

    def __init__(self, watch: Callable[[Step], None], members: int):
        self._watch, self._members = watch, members
        self._last: dict[int, Step] = {}

    def __call__(self, number: int, step: Step) -> None:
        self._last[number] = step
        last = list(self._last.values())
        self._watch(
            Step(
                sum(one.step for one in last),
                self._members * step.steps,
                sum(one.epoch for one in last) / len(last),
                sum(one.loss for one in last) / len(last),
                sum(one.dev_f1 for one in last) / len(last),
            )
        )


class _StoppedError(Exception):
    """The process that wanted the member no longer does."""


_steps: "SimpleQueue[tuple[int, Step]]"
_stop: Event


def _train_apart(members: list[Member], told: _Told) -> None:
    """Each member in a process of its own, as many at a time as there are cores."""
    context = multiprocessing.get_context("spawn")
    steps: SimpleQueue[tuple[int, Step]] = context.SimpleQueue()
    stop = context.Event()
    with ProcessPoolExecutor(
        _cores(), context, initializer=_begin, initargs=(steps, stop)
    ) as processes:
        try:
            running = {
                processes.submit(_train, number, member, os.getpid())
                for number, member in enumerate(members)
            }
            while running:
                done, running = wait(running, LOOK)
                _raise_first(done)
                while not steps.empty():
                    told(*steps.get())
        except BaseException:
            stop.set()
            while running:  # they look after each step; what they still say must be read
                _, running = wait(running, LOOK)
                while not steps.empty():
                    steps.get()
            raise


def _raise_first(done: "set[Future[None]]") -> None:
    for future in done:
        future.result()


def _begin(steps: "SimpleQueue[tuple[int, Step]]", stop: Event) -> None:
    global _steps, _stop
    _steps, _stop = steps, stop


def _train(number: int, member: Member, parent: int) -> None:
    def watch(step: Step) -> None:
        if _stop.is_set() or os.getppid() != parent:
            raise _StoppedError
        _steps.put((number, step))

    member.train(torch.device("cpu"), watch)


def _at_once(device: torch.device) -> int:
    return _cores() if device.type == "cpu" else 1


def _cores() -> int:
    return len(os.sched_getaffinity(0))


@contextmanager
def _folder(resume_in: Path | None) -> Iterator[Path]:
    if resume_in is not None:
        yield resume_in
        return
    with tempfile.TemporaryDirectory(prefix="goldloop-members-") as folder:
        yield Path(folder)
