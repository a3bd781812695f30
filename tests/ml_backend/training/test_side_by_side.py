"""Trainings in processes of their own: same records, one voice, and none is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from ml_backend.tagger.checkpoint import CheckpointError
from ml_backend.training.fit import DivergedError, Step
from ml_backend.training.side_by_side import TrainingDiedError, train_all

Watch = Callable[[Step], None]


def step(number: int, of: int = 10) -> Step:
    return Step(number, of, 0.5, 1.0, 0.25)


def counts(name: str, *, watch: Watch, steps: int = 3, of: int = 3) -> dict[str, Any]:
    for number in range(1, steps + 1):
        watch(step(number, of))
    return {"name": name, "process": os.getpid()}


def goes_on(*, watch: Watch) -> dict[str, Any]:
    while True:
        watch(step(1))


def fails(error: Exception | type[Exception], *given: Any, watch: Watch) -> dict[str, Any]:
    watch(step(1))
    raise error if isinstance(error, Exception) else error(*given)


def dies(*, watch: Watch) -> dict[str, Any]:
    watch(step(1))
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def goes_on_and_notes(folder: Path, *, watch: Watch) -> dict[str, Any]:
    (folder / str(os.getpid())).touch()
    return goes_on(watch=watch)


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Any:
    yield
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("processes", [1, 2, 8])
def test_records_come_in_order_and_every_step_is_told(processes: int) -> None:
    told: list[tuple[int, Step]] = []
    trainings = [partial(counts, name) for name in "abc"]
    made = train_all(trainings, lambda *what: told.append(what), processes=processes)
    assert [record["name"] for record in made] == ["a", "b", "c"]
    for place in range(3):
        assert [what for own, what in told if own == place] == [step(n, 3) for n in (1, 2, 3)]
    used = {record["process"] for record in made}
    if processes == 1:
        assert used == {os.getpid()}
    else:
        assert os.getpid() not in used
        assert len(used) == 3


@pytest.mark.parametrize("processes", [1, 2])
def test_one_that_stops_early_tells_that_no_step_is_left(processes: int) -> None:
    told: list[tuple[int, int]] = []
    trainings = [partial(counts, name, of=5) for name in "ab"]
    train_all(trainings, lambda place, said: told.append((place, said.step)), processes=processes)
    assert sorted(told) == [(0, 1), (0, 2), (0, 3), (0, 5), (1, 1), (1, 2), (1, 3), (1, 5)]


@pytest.mark.parametrize(
    "error",
    [(DivergedError, 7), (CheckpointError, Path("there"), "it is torn"), (ValueError, "no")],
    ids=lambda error: error[0].__name__,
)
def test_what_one_raises_stops_the_others_and_arrives_as_it_was(error: Any) -> None:
    kind, *given = error
    with pytest.raises(kind) as raised:
        train_all([goes_on, partial(fails, kind, *given)], lambda *_: None, processes=2)
    assert str(raised.value) == str(kind(*given))
    assert vars(raised.value) | {"__notes__": None} == vars(kind(*given)) | {"__notes__": None}
    assert "in fails" in raised.value.__notes__[0], "where it was raised"


def test_who_watches_stops_them_all_however_much_was_told() -> None:
    class EnoughError(Exception):
        pass

    told = 0

    def watch(place: int, said: Step) -> None:
        nonlocal told
        told += 1
        if told == 5000:
            time.sleep(1)  # the processes wait with what they have to tell
            raise EnoughError

    with pytest.raises(EnoughError):
        train_all([goes_on, goes_on, goes_on], watch, processes=2)


def test_a_process_that_is_killed_is_no_silence() -> None:
    with pytest.raises(TrainingDiedError, match="code -9"):
        train_all([goes_on, dies], lambda *_: None, processes=2)


def test_they_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import pathlib, functools
from ml_backend.training.side_by_side import train_all
from tests.ml_backend.training.test_side_by_side import goes_on_and_notes
one = functools.partial(goes_on_and_notes, pathlib.Path({str(tmp_path)!r}))
train_all([one, one], lambda *_: None, processes=2)
"""
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        while len(children := list(tmp_path.iterdir())) < 2:
            assert parent.poll() is None
            time.sleep(0.1)
    finally:
        parent.kill()
        parent.wait()
    until = time.monotonic() + 30
    while any(psutil.pid_exists(int(child.name)) for child in children):
        assert time.monotonic() < until, "trained on for nobody"
        time.sleep(0.1)
