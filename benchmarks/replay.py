"""What a strategy is worth: replays of 4,000-document parts of kmounlp and of cluener, two of each.

Each part is a pool, on the whole of which the learner takes some two minutes; dev and test are
documents outside of both. The first part, with two seeds, chooses which four strategies the second
of the same corpus tries, with five, and which of them stands in each figure: documents, entities
and edits until 95 % of the F1 that the whole pool gives, and whether what the first part recommends
is as good there. What is reported is of the second part alone. A JSON line a figure, with how many
of the runs it rests on. Every round that is done is kept, so that hours of it survive a stop; runs
that are done are in `replay_runs.jsonl` beside this file too, which outlives the machine: remove
what it holds once the learner has changed. The curves of the second part go to `docs`. --so-far
runs nothing:

    python benchmarks/replay.py [--corpora FOLDER] [--kept FOLDER] [--processes N] [--so-far]
"""

import ml_backend  # first of all: see there  # isort: skip  # noqa: F401
import argparse
import dataclasses
import fcntl
import json
import logging
import multiprocessing
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from backend.loop.replay import advance
from backend.workflow.replay.areas import Curves, mean_curve, spent_until
from backend.workflow.replay.config import LEARNER, RANDOM, ReplayConfig
from backend.workflow.replay.folder import Replay, Run
from backend.workflow.replay.gold import DEV, POOL, TEST, read_gold, write_gold
from backend.workflow.replay.plot import draw
from backend.workflow.replay.points import Cost, Point
from backend.workflow.replay.report import OF_FULL, Report, edits_of_round, report
from ml_backend.contract.messages import PREDICT_FILE_JOB, TRAIN_JOB, Result, read_jsonl
from ml_backend.serving.predict_file import predict_file
from ml_backend.training.run import train

RUNS = Path(__file__).with_name("replay_runs.jsonl")
CORPORA = ("kmounlp", "cluener")
HALVES = ("first", "second")  # chosen on, reported on
POOL_SIZE, DEV_SIZE, TEST_SIZE = 4000, 300, 1000
MIXTURE = "cost+mnlp"
CANDIDATES = ("mnlp", MIXTURE, "margin", "total_entropy", "badge+margin")
TRIED = 4  # of them on the second part; "mnlp" and the mixture always are
CHOOSING_SEEDS = 2
CONFIG = ReplayConfig(
    rounds=6,
    batch=300,
    start=300,
    seeds=5,
    learner={**LEARNER, "epochs": 6, "min_steps": 300, "max_steps": 1500},
)
ROUND = 5  # whose edits are held against an empty page
DOCUMENTS, ENTITIES, PRELABELS, EDITS, WITHIN = 0.65, 0.85, 0.5, 0.9, 0.01  # the bars


def main() -> int:
    """Go on where the last start ended, then print the figures; 1 when a bar is missed."""
    options = _options()
    logging.basicConfig(level=logging.WARNING)
    replays = {
        (corpus, half): Replay(options.kept / f"{corpus}-{half}")
        for corpus in CORPORA
        for half in HALVES
    }
    for corpus in CORPORA:
        _write_gold(options.corpora / f"{corpus}-train.jsonl", corpus, replays)
    for corpus in CORPORA:
        _begin(replays[corpus, "first"], CANDIDATES, CHOOSING_SEEDS)
    if not options.so_far:
        _run(replays, "first", options.processes)
    for corpus in CORPORA:
        tried = strategies_of_second(replays[corpus, "first"])
        _begin(replays[corpus, "second"], tried, CONFIG.seeds)
    if not options.so_far:
        _run(replays, "second", options.processes)
    oks = [_told(corpus, replays) for corpus in CORPORA]
    for corpus in CORPORA:
        if curves := _finished(replays[corpus, "second"]):
            draw(curves, Path("docs") / f"replay-{corpus}.png")
    return 0 if all(oks) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--kept", type=Path, default=Path(".goldloop/benchmarks/replay"))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--so-far", action="store_true", help="print what is there, run nothing")
    return parser.parse_args()


def strategies_of_second(first: Replay) -> tuple[str, ...]:
    """The strategies with the largest areas on the first part."""
    found = report(_finished(first), "documents")
    best = [row.strategy for row in found.rows] if found else list(CANDIDATES)
    always = ("mnlp", MIXTURE)
    others = [name for name in best if name not in (*always, RANDOM)]
    return (*always, *others[: TRIED - len(always)])


def _begin(replay: Replay, strategies: Sequence[str], seeds: int) -> None:
    """Say what a part is to be tried with, and take over the runs that are kept."""
    replay.begin(dataclasses.replace(CONFIG, strategies=tuple(strategies), seeds=seeds))
    replay.forget_failures()
    kept = {name: points for of, name, points in _kept_runs() if of == _asked(replay)}
    for run in replay.runs():
        if run.job.result() is None and run.name in kept:
            for point in kept[run.name]:
                round = run.round(point.round)
                round.path.mkdir(parents=True, exist_ok=True)
                round.write_point(point)
            run.write_curve()
            run.job.write_result(Result("done"))


def _run(replays: Mapping[tuple[str, str], Replay], half: str, processes: int) -> None:
    """Go through a part of both corpora, seed by seed, so that a table is there early."""
    all_runs = [run for corpus in CORPORA for run in replays[corpus, half].runs()]
    runs = {
        (str(run.replay.path), run.name): run
        for run in sorted(all_runs, key=lambda run: run.seed)
        if run.job.result() is None
    }
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done in pool.imap_unordered(_go_through, list(runs), chunksize=1):
            _keep(runs[done])


def _asked(replay: Replay) -> str:
    """What a run depends on beside its name: the gold, and all that is asked but what it is held
    against."""
    asked = {**replay.config.to_dict(), "strategies": [], "seeds": 0, "cost": ""}
    del asked["label_target"]  # none of the strategies tried here looks at it
    gold = json.loads((replay.gold / "manifest.json").read_bytes())["digest"]
    return sha256(json.dumps([gold, asked], sort_keys=True).encode()).hexdigest()[:16]


def _keep(run: Run) -> None:
    """Add a run that is done to the file that outlives the machine."""
    points = [json.loads(json.dumps(point.to_dict()), parse_float=_short) for point in run.curve()]
    line = {"of": _asked(run.replay), "part": run.replay.path.name, "run": run.name}
    with RUNS.open("a") as file:
        file.write(json.dumps({**line, "points": points}) + "\n")


def _short(number: str) -> float:
    return round(float(number), 5)


def _kept_runs() -> Iterator[tuple[str, str, list[Point]]]:
    """What each asked for, its name and its points."""
    for record in read_jsonl(RUNS) if RUNS.exists() else ():
        yield record["of"], record["run"], [Point.from_dict(one) for one in record["points"]]


def _write_gold(path: Path, corpus: str, replays: Mapping[tuple[str, str], Replay]) -> None:
    documents, _ = read_gold([path])
    documents.sort(key=lambda one: one.group)
    random.Random(29).shuffle(documents)
    test, dev, rest = (
        documents[:TEST_SIZE],
        documents[TEST_SIZE : TEST_SIZE + DEV_SIZE],
        documents[TEST_SIZE + DEV_SIZE :],
    )
    for number, half in enumerate(HALVES):
        replay = replays[corpus, half]
        if not (replay.gold / "manifest.json").exists():
            pool = rest[number * POOL_SIZE :][:POOL_SIZE]
            parts = {POOL: pool, DEV: dev, TEST: test}
            write_gold(
                replay.gold,
                {part: sorted(its, key=lambda one: one.id) for part, its in parts.items()},
            )


class Here:
    """Does the jobs that are rung itself, each once, however many processes ring it."""

    def ring(
        self, queue: str, job: str, *args: Any, job_id: str | None = None, after: str | None = None
    ) -> bool:
        work = {TRAIN_JOB: train, PREDICT_FILE_JOB: predict_file}.get(job)
        if work is not None:
            with _locked(Path(args[0]).with_suffix(".lock")):
                work(args[0])
        return True

    def knows(self, job_id: str) -> bool:
        return False

    def failed(self, job_id: str) -> bool:
        return False


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _go_through(work: tuple[str, str]) -> tuple[str, str]:
    folder, name = work
    result = advance(Here(), Replay(Path(folder)), name)
    assert result is not None
    if result.state != "done":
        raise RuntimeError(f"{folder}, {name}: {result.reason}")
    return work


def _told(corpus: str, replays: Mapping[tuple[str, str], Replay]) -> bool:
    """Print a corpus's figures; whether every bar is reached."""
    chosen_on, tried_on = (_finished(replays[corpus, half]) for half in HALVES)
    done = {half: _far(replays[corpus, half]) for half in HALVES}
    found, before = report(tried_on, "documents"), report(chosen_on, "documents")
    for part, its in zip(HALVES, (before, found), strict=True):
        for row in its.rows if its is not None else ():
            told = {"name": f"{corpus}_{row.strategy}", "part": part, "unit": "curve"}
            print(json.dumps({**told, **row.to_dict()}))
    if found is None:
        _line(f"{corpus}_runs", None, None, False, runs=done)
        return False
    rows = {row.strategy: row for row in found.rows}
    oks = []
    bars: dict[Cost, float] = {"documents": DOCUMENTS, "entities": ENTITIES}
    for cost, bar in bars.items():
        ratios, chosen_by = _ratios(found, tried_on, cost), _ratios(before, chosen_on, cost)
        name = f"{corpus}_{cost}_ratio"
        at_most = rows[RANDOM].needed[cost] is None  # random has not come as far in all its rounds
        oks.append(
            _chosen(name, ratios, chosen_by, bar, of_each=ratios, at_most=at_most, runs=done)
        )
    edits, chosen_by = _edits(tried_on), _edits(chosen_on)
    name = f"{corpus}_edits_of_round_{ROUND}"
    oks.append(_chosen(name, edits, chosen_by, PRELABELS, of_each=edits, runs=done))
    value, f1 = _at_equal_f1(tried_on, "edits", OF_FULL * (found.full_f1 or 1.0))
    name = f"{corpus}_edits_ratio"
    oks.append(_at_most(name, value, EDITS, mixture=MIXTURE, at_f1=f1, runs=done))
    oks.append(_recommended(corpus, before, found, done))
    return all(oks)


def _recommended(
    corpus: str, before: Report | None, found: Report, done: Mapping[str, str]
) -> bool:
    """How far what the first part recommends is behind the best strategy of the second."""
    areas = {row.strategy: row.area.value for row in found.rows}
    name = before.recommended if before is not None else ""
    behind = max(areas.values()) - areas[name] if name in areas else None
    return _at_most(
        f"{corpus}_recommendation_behind_best",
        behind,
        WITHIN,
        unit="F1",
        recommended=name,
        reason=before.reason if before is not None else "",
        there=found.recommended,
        runs=done,
    )


def _ratios(found: Report | None, curves: Mapping[str, Curves], cost: Cost) -> dict[str, float]:
    """What each strategy that comes so far needs of what random needs, or has spent without."""
    rows = {row.strategy: row for row in found.rows} if found is not None else {}
    if RANDOM not in rows:
        return {}
    spent = rows.pop(RANDOM).needed[cost] or min(
        run[-1].cost(cost) for run in curves[RANDOM].values()
    )
    needed = {name: row.needed[cost] for name, row in rows.items()}
    return {name: its / spent for name, its in needed.items() if its is not None}


def _edits(curves: Mapping[str, Curves]) -> dict[str, float]:
    edits = {name: edits_of_round(its, ROUND) for name, its in curves.items()}
    return {name: value for name, value in edits.items() if value is not None}


def _chosen(
    name: str, values: Mapping[str, float], chosen_by: Mapping[str, float], bar: float, **more: Any
) -> bool:
    """The figure of the strategy that has the least of the first part."""
    known = [one for one in values if one in chosen_by]
    chosen = min(known, key=lambda one: chosen_by[one]) if known else None
    return _at_most(name, values[chosen] if chosen else None, bar, chosen=chosen, **more)


def _at_equal_f1(
    curves: Mapping[str, Curves], cost: Cost, most: float
) -> tuple[float | None, float | None]:
    """What the mixture needs of what MNLP needs until the highest F1 that both have come to, or
    until the most that counts; and that F1."""
    pair = [curves[name] for name in (MIXTURE, "mnlp") if name in curves]
    if len(pair) < 2:
        return None, None
    f1 = min(most, *(float(max(mean_curve(its, cost)[1])) for its in pair))
    mixture, mnlp = (spent_until(its, cost, f1) for its in pair)
    return (mixture / mnlp if mixture and mnlp else None), f1


def _at_most(
    name: str, value: float | None, bar: float, *, unit: str = "ratio", **more: Any
) -> bool:
    ok = value is not None and value <= bar
    _line(name, value, bar, ok, unit=unit, **more)
    return ok


def _line(name: str, value: float | None, bar: float | None, ok: bool, **more: Any) -> None:
    rounded = round(value, 4) if value is not None else None
    print(json.dumps({"name": name, "value": rounded, "bar": bar, "ok": ok, **more}), flush=True)


def _finished(replay: Replay) -> Mapping[str, Curves]:
    """The curves of the runs that are done."""
    found: dict[str, dict[int, Any]] = {}
    for run in replay.runs() if (replay.path / "config.json").exists() else ():
        result = run.job.result()
        if result is not None and result.state == "done":
            found.setdefault(run.strategy, {})[run.seed] = run.curve()
    return found


def _far(replay: Replay) -> str:
    runs = replay.runs() if (replay.path / "config.json").exists() else []
    return f"{sum(run.job.result() is not None for run in runs)} of {len(runs)}"


if __name__ == "__main__":
    sys.exit(main())
