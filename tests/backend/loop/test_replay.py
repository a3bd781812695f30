"""Replays gone through with the real trainer, the real predictions and the real strategies."""

import dataclasses
import json
import multiprocessing
import shutil
from collections import Counter
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from backend.errors import ConflictError, InvalidInputError
from backend.loop.replay import JOB, advance, ring_all
from backend.sample.generate import generate
from backend.workflow.duplicates.normal_form import group_key
from backend.workflow.replay.choice import lacking
from backend.workflow.replay.config import ReplayConfig
from backend.workflow.replay.folder import Replay
from backend.workflow.replay.gold import DEV, POOL, TEST, write_gold
from backend.workflow.replay.rounds import start_of
from ml_backend.contract.messages import PREDICT_FILE_JOB, TRAIN_JOB, JobFolder, Result
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.serving.predict_file import predict_file
from ml_backend.training.run import train

LEARNER = {
    "epochs": 1,
    "min_steps": 12,
    "max_steps": 12,
    "hidden": 8,
    "symbol_size": 8,
    "evidence_size": 8,
    "lexicon_size": 8,
    "looks": 1,
    "calibration": "none",
    "serving_form": "fp32",
}
CONFIG = ReplayConfig(
    strategies=("cost+mnlp", "badge", "k_center", "disagreement"),
    rounds=2,
    batch=15,
    start=20,
    seeds=1,
    candidates=30,
    learner=LEARNER,
)


class Here:
    """Does what it is asked to ring; `dies` is the name of a job whose worker is killed."""

    def __init__(self, dies: str = ""):
        self.dies, self.rung = dies, list[str]()
        self.dead: set[str | None] = set()

    def ring(
        self, queue: str, job: str, *args: Any, job_id: str | None = None, after: str | None = None
    ) -> bool:
        if job in (TRAIN_JOB, PREDICT_FILE_JOB):
            self.rung.append(queue)
            if queue == self.dies:
                self.dead.add(job_id)
            else:
                {TRAIN_JOB: train, PREDICT_FILE_JOB: predict_file}[job](*args)
        return True

    def knows(self, job_id: str) -> bool:
        return False

    def failed(self, job_id: str) -> bool:
        return job_id in self.dead


@pytest.fixture(scope="module")
def parts() -> dict[str, list[GoldDocument]]:
    documents = [
        GoldDocument(f"d{n:03d}", group_key(one.text), one.text, sorted(one.entities))
        for n, one in enumerate(generate(130, seed=3))
    ]
    return {POOL: documents[:80], DEV: documents[80:100], TEST: documents[100:]}


def begun(folder: Path, parts: dict[str, list[GoldDocument]], config: ReplayConfig) -> Replay:
    replay = Replay(folder)
    replay.begin(config)
    write_gold(replay.gold, parts)
    return replay


def gone_through(replay: Replay) -> Replay:
    for run in replay.runs():
        assert advance(Here(), replay, run.name) == Result("done")
    return replay


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, parts: dict[str, list[GoldDocument]]) -> Replay:
    """A replay of every kind of strategy, to its end."""
    return gone_through(begun(tmp_path_factory.mktemp("replay") / "done", parts, CONFIG))


def test_every_run_ends_with_its_curve(done: Replay):
    assert done.job.result() == Result("done", figures={"rounds": 17, "of": 17})
    curves = done.curves()
    assert set(curves) == {"full", "random", *CONFIG.strategies}
    for name, its in curves.items():
        expected = [20, 35, 50, 65] if name == "random" else [20, 35, 50]
        assert [point.done.documents for point in its[1]] == ([80] if name == "full" else expected)
    line = json.loads((done.path / "runs/badge-1/curve.jsonl").read_text("utf-8").split("\n")[1])
    assert {"documents", "entities", "edits", "minutes", "f1", "per_label", "interval"} <= set(line)
    assert done.report() is not None
    assert (done.path / "curves.png").exists()


def test_no_document_is_chosen_twice_and_all_begin_alike(done: Replay):
    starts = set()
    for run in done.runs():
        if run.strategy != "full":
            chosen = run.seen(2)
            assert len(chosen) == len(set(chosen)) == 30
            starts.add(run.round(0).work)
    assert len(starts) == 1
    assert len({tuple(run.seen(1)) for run in done.runs() if run.strategy != "full"}) == 5


def test_what_is_not_needed_any_more_is_removed(done: Replay):
    assert not done.store.versions("replay")
    assert not list(done.path.rglob("*.npy"))
    assert not list(done.path.glob("runs/*/round-*/train/snapshot"))


def test_the_same_replay_gives_the_same_curves_and_one_that_was_broken_off_too(
    done: Replay, parts: dict[str, list[GoldDocument]], tmp_path: Path
):
    again = begun(tmp_path / "again", parts, CONFIG)
    run = again.run("badge-1")

    class Stopped(Exception):
        pass

    class Breaks(Here):
        def ring(self, queue: str, job: str, *args: Any, **more: Any) -> bool:
            if len(self.rung) == 3:  # after the training of the second round
                raise Stopped
            return super().ring(queue, job, *args, **more)

    with pytest.raises(Stopped):
        advance(Breaks(), again, run.name)
    assert run.measured == 2
    (run.job.path / "result.json").unlink()
    assert advance(Here(), again, run.name) == Result("done")
    assert run.curve() == done.run("badge-1").curve()
    assert run.seen(2) == done.run("badge-1").seen(2)


def _advance_together(folder: Path, ready: Barrier, ends: Path) -> None:
    ready.wait()
    ended = advance(Here(), Replay(folder), "badge-1")
    with ends.open("a") as file:
        file.write(f"{ended}\n")


def test_two_workers_at_one_run_do_it_once(
    done: Replay, parts: dict[str, list[GoldDocument]], tmp_path: Path
):
    both = begun(tmp_path / "both", parts, dataclasses.replace(CONFIG, strategies=("badge",)))
    spawned = multiprocessing.get_context("spawn")
    its = (both.path, spawned.Barrier(2), tmp_path / "ends")
    workers = [spawned.Process(target=_advance_together, args=its) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (tmp_path / "ends").read_text().splitlines() == [str(Result("done"))] * 2
    assert both.run("badge-1").curve() == done.run("badge-1").curve()
    for name in ("random-1", "full-1"):
        advance(Here(), both, name)
    assert both.job.result() == Result("done", figures={"rounds": 8, "of": 8})


def test_a_worker_that_died_ends_the_run_and_the_replay_can_go_on(
    parts: dict[str, list[GoldDocument]], tmp_path: Path
):
    config = ReplayConfig((), rounds=1, batch=10, start=20, seeds=1, learner=LEARNER)
    replay = begun(tmp_path / "dies", parts, config)
    bell = Here(dies="predict")
    assert advance(bell, replay, "random-1") is None
    ended = advance(bell, replay, "random-1")
    assert ended is not None
    assert ended.state == "failed"
    assert "worker" in ended.reason
    replay.forget_failures()
    gone_through(replay)
    assert replay.run("random-1").measured == 2


def test_a_replay_that_is_cancelled_stops_and_goes_on(
    parts: dict[str, list[GoldDocument]], tmp_path: Path
):
    config = ReplayConfig((), rounds=1, batch=10, start=20, seeds=1, learner=LEARNER)
    replay = begun(tmp_path / "cancelled", parts, config)
    replay.cancel()
    for run in replay.runs():
        ended = advance(Here(), replay, run.name)
        assert ended is not None
        assert ended.state == "cancelled"
    result = replay.job.result()
    assert result is not None
    assert result.state == "cancelled"
    replay.forget_failures()
    assert gone_through(replay).job.result() == Result("done", figures={"rounds": 3, "of": 3})


def test_a_replay_whose_end_failed_says_so_and_is_finished_by_the_next_ring(
    done: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ends = Replay(tmp_path / "ends")
    shutil.copytree(done.path, ends.path)
    (ends.path / "result.json").unlink()

    def fails(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("backend.loop.replay.draw", fails)
        with pytest.raises(OSError, match="disk"):
            advance(Here(), ends, "random-1")
    assert ends.job.result() == Result(
        "failed", "something unforeseen went wrong (OSError: the disk is full): the log says where"
    )
    ends.forget_failures()

    class Worker(Here):
        def ring(self, queue: str, job: str, *args: Any, **more: Any) -> bool:
            assert job == JOB
            advance(self, ends, args[2])
            return True

    ring_all(Worker(), ends)
    assert ends.job.result() == done.job.result()


def test_everything_that_waits_is_rung_once(parts: dict[str, list[GoldDocument]], tmp_path: Path):
    class Bell:
        def __init__(self) -> None:
            self.ids: set[str] = set()

        def ring(self, queue: str, job: str, *args: Any, job_id: str = "", after: str = "") -> bool:
            assert job_id not in self.ids
            self.ids.add(job_id)
            return True

        def knows(self, job_id: str) -> bool:
            return job_id in self.ids

        def failed(self, job_id: str) -> bool:
            return False

    replay = begun(tmp_path / "rung", parts, CONFIG)
    bell = Bell()
    ring_all(bell, replay)
    ring_all(bell, replay)
    assert len(bell.ids) == len(replay.runs())


def test_a_folder_holds_one_replay(done: Replay):
    with pytest.raises(ConflictError, match="holds another replay"):
        done.begin(ReplayConfig(("mnlp",)))


def test_another_strategy_goes_on_with_what_is_there(
    parts: dict[str, list[GoldDocument]], tmp_path: Path
):
    config = ReplayConfig((), rounds=1, batch=10, start=20, seeds=1, learner=LEARNER)
    replay = gone_through(begun(tmp_path / "grows", parts, config))
    curve = replay.run("random-1").curve()
    replay.begin(dataclasses.replace(config, strategies=("mnlp",)))
    assert replay.job.result() is None
    gone_through(replay)
    assert {name: list(its) for name, its in replay.curves().items()} == {
        "full": [1],
        "random": [1],
        "mnlp": [1],
    }
    assert replay.run("random-1").curve() == curve
    assert replay.run("mnlp-1").curve()[0] == curve[0]


def test_more_rounds_go_on_with_what_is_there(parts: dict[str, list[GoldDocument]], tmp_path: Path):
    few = ReplayConfig(("mnlp",), rounds=1, batch=10, start=20, seeds=1, learner=LEARNER)
    more = dataclasses.replace(few, rounds=2)
    replay = gone_through(begun(tmp_path / "grows", parts, few))
    replay.begin(more)
    assert [run.job.result() is None for run in replay.runs()] == [False, True, True]
    gone_through(replay)
    assert replay.curves() == gone_through(begun(tmp_path / "whole", parts, more)).curves()
    with pytest.raises(ConflictError, match="more rounds may differ"):
        replay.begin(few)


def test_a_label_lacks_what_people_have_not_seen_of_its_target(
    parts: dict[str, list[GoldDocument]], tmp_path: Path
):
    config = dataclasses.replace(CONFIG, strategies=("balance",), label_target=9)
    run = next(
        one for one in begun(tmp_path / "r", parts, config).runs() if one.strategy == "balance"
    )
    start = set(start_of(run.replay, run.seed))
    seen = Counter(e.label for one in parts[POOL] if one.id in start for e in one.entities)
    assert min(seen.values()) < 9 < max(seen.values())
    found = lacking(run.round(0))
    assert found == {label: max(0, 9 - seen[label]) for label in found}
    assert set(seen) <= set(found)


@pytest.mark.parametrize(
    "options",
    [
        {"strategies": ("luck",)},
        {"strategies": ("mnlp:0",)},
        {"strategies": ("mnlp+mnlp",)},
        {"rounds": 0},
        {"start": 3},
        {"label_target": 0},
        {"cost": "money"},
    ],
)
def test_what_cannot_be_replayed_is_refused(options: dict[str, Any]):
    with pytest.raises(InvalidInputError):
        ReplayConfig(**options)


def test_a_batch_is_never_larger_than_the_pool(
    parts: dict[str, list[GoldDocument]], tmp_path: Path
):
    config = ReplayConfig((), rounds=9, batch=25, start=20, seeds=1, learner=LEARNER)
    assert begun(tmp_path / "small", parts, config).run("random-1").rounds == 2
    assert JobFolder(tmp_path).result() is None
    shutil.rmtree(tmp_path / "small")
