"""Trainings side by side, each in a process of its own, or one after the other in this one."""

import multiprocessing
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, cast

from ml_backend.training.fit import Step

# Trains and returns its record: training(watch=) -> record; where it runs in another process, it
# can be pickled.
Training = Callable[..., dict[str, Any]]
Watch = Callable[[int, Step], None]  # the training's place, how far it is

_SPAWN = multiprocessing.get_context("spawn")


class TrainingDiedError(Exception):
    """A process that trained is gone and said nothing."""

    def __init__(self, code: int | None):
        self.code = code
        super().__init__(
            f"a process that trained ended with code {code}; where that is -9, memory may have "
            "run out: train fewer members, or smaller ones"
        )


def train_all(
    trainings: Sequence[Training], watch: Watch, *, processes: int
) -> list[dict[str, Any]]:
    """Do the trainings in at most so many processes; returns their records, in order.

    `watch` is called in this process, after every step, and may raise to stop them all. What one
    of them raises is raised here, and stops the others; none outlives this process by more than a
    step. Raises TrainingDiedError.
    """
    processes = min(processes, len(trainings))
    if processes < 2:
        return [_watched(one, partial(watch, place)) for place, one in enumerate(trainings)]
    records: dict[int, dict[str, Any]] = {}
    waiting = list(enumerate(trainings))
    under_way: dict[Connection, tuple[int, SpawnProcess]] = {}
    try:
        while waiting or under_way:
            while waiting and len(under_way) < processes:
                place, training = waiting.pop(0)
                line, process = _begin(training)
                under_way[line] = place, process
            for line in cast(list[Connection], wait(list(under_way))):
                place, process = under_way[line]
                said = _heard(line, process)
                if isinstance(said, Step):
                    watch(place, said)
                else:
                    records[place] = said
                    process.join()
                    del under_way[line]
    finally:
        for _, process in under_way.values():
            process.terminate()
            process.join()
    return [records[place] for place in range(len(trainings))]


def _begin(training: Training) -> tuple[Connection, SpawnProcess]:
    line, its_end = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_train, args=(its_end, training), daemon=True)
    process.start()
    its_end.close()  # so that the line ends when the process does
    return line, process


def _heard(line: Connection, process: SpawnProcess) -> Step | dict[str, Any]:
    """A step or the record; raises what the training raised."""
    try:
        said = line.recv()
    except EOFError:
        process.join()
        raise TrainingDiedError(process.exitcode) from None
    if isinstance(said, _Failure):
        raise said.error()
    result: Step | dict[str, Any] = said
    return result


def _train(line: Connection, training: Training) -> None:
    """Tell the parent, to whom interrupts are left, how it goes; end when the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        line.send(_watched(training, line.send))
    except BrokenPipeError:
        return
    except Exception as error:
        line.send(_Failure.of(error))


def _watched(training: Training, watch: Callable[[Step], None]) -> dict[str, Any]:
    """The training's record; one that stopped early tells that no step is left."""
    last: Step | None = None

    def told(step: Step) -> None:
        nonlocal last
        last = step
        watch(step)

    record = training(watch=told)
    if last is not None and last.step < last.steps:
        watch(replace(last, step=last.steps, looked=None))
    return record


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a training raised. Pickle would call the class with its message as only argument."""

    kind: type[Exception]
    args: tuple[Any, ...]
    attributes: dict[str, Any]
    trace: str

    @classmethod
    def of(cls, error: Exception) -> "_Failure":
        return cls(type(error), error.args, vars(error), traceback.format_exc())

    def error(self) -> Exception:
        made = self.kind.__new__(self.kind, *self.args)
        vars(made).update(self.attributes)
        made.add_note(self.trace)
        return made
