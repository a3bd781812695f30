"""What a strategy is worth: replays of 4,000-document parts of kmounlp and of cluener, two of each.

Each part is a pool, gone through with five seeds; dev and test are documents
outside of both. Strategies were chosen on the first part, and what is reported is of the second:
documents, entities and edits until 95 % of the F1 that the whole pool gives, and whether what the
first part recommends is as good there. A JSON line a figure, with how many of the runs it rests
on. Every round that is done is kept, so that hours of it survive a stop; --so-far only prints:

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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.loop.replay import advance, write_report
from backend.workflow.replay.areas import Curves
from backend.workflow.replay.config import LEARNER, RANDOM, ReplayConfig
from backend.workflow.replay.folder import Replay
from backend.workflow.replay.gold import DEV, POOL, TEST, read_gold, write_gold
from backend.workflow.replay.report import Report, Row, edits_of_round, report
from ml_backend.contract.messages import PREDICT_FILE_JOB, TRAIN_JOB
from ml_backend.serving.predict_file import predict_file
from ml_backend.training.run import train

CORPORA = ("kmounlp", "cluener")
HALVES = ("first", "second")  # chosen on, reported on
POOL_SIZE, DEV_SIZE, TEST_SIZE = 4000, 300, 1000
MIXTURE = "cost+mnlp"
TRIED = {
    "first": ("mnlp", "margin", "badge+margin", MIXTURE, "density+mnlp", "badge"),
    "second": ("mnlp", "margin", "badge+margin", MIXTURE),  # chosen by the first part's tables
}
CONFIG = ReplayConfig(
    rounds=8,
    batch=300,
    start=300,
    seeds=5,
    learner={**LEARNER, "epochs": 6, "min_steps": 300, "max_steps": 600},
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
    if not options.so_far:
        for corpus in CORPORA:
            _begin(options.corpora / f"{corpus}-train.jsonl", corpus, replays)
        work = [
            (str(replays[corpus, half].path), run.name)
            for seed in range(1, CONFIG.seeds + 1)  # seed by seed, so that a table is there early
            for half in reversed(HALVES)
            for corpus in CORPORA
            for run in replays[corpus, half].runs()
            if run.seed == seed
        ]
        with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
            for _ in pool.imap_unordered(_go_through, work, chunksize=1):
                for one in replays.values():
                    write_report(one)
    oks = [_told(corpus, replays) for corpus in CORPORA]
    return 0 if all(oks) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpora", type=Path, default=Path("../shared/corpora"))
    parser.add_argument("--kept", type=Path, default=Path(".goldloop/benchmarks/replay"))
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--so-far", action="store_true", help="print what is there, run nothing")
    return parser.parse_args()


def _begin(path: Path, corpus: str, replays: Mapping[tuple[str, str], Replay]) -> None:
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
        replay.begin(dataclasses.replace(CONFIG, strategies=TRIED[half]))
        replay.forget_failures()
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


def _go_through(work: tuple[str, str]) -> None:
    folder, name = work
    result = advance(Here(), Replay(Path(folder)), name)
    assert result is not None
    if result.state != "done":
        raise RuntimeError(f"{folder}, {name}: {result.reason}")


def _told(corpus: str, replays: Mapping[tuple[str, str], Replay]) -> bool:
    """Print a corpus's figures; whether every bar is reached."""
    chosen_on, tried_on = (_finished(replays[corpus, half]) for half in HALVES)
    done = {half: _far(replays[corpus, half]) for half in HALVES}
    found, before = report(tried_on, "documents"), report(chosen_on, "documents")
    if found is None:
        _line(f"{corpus}_runs", None, None, False, runs=done)
        return False
    for row in found.rows:
        print(json.dumps({"name": f"{corpus}_{row.strategy}", "unit": "curve", **row.to_dict()}))
    rows = {row.strategy: row for row in found.rows}
    oks = []
    for cost, bar in (("documents", DOCUMENTS), ("entities", ENTITIES)):
        ratios = {name: _ratio(row, rows[RANDOM], cost) for name, row in rows.items()}
        reached = {n: r for n, r in ratios.items() if r is not None and n != RANDOM}
        best = min(reached, key=lambda name: reached[name]) if reached else None
        value = reached[best] if best is not None else None
        oks.append(_at_most(f"{corpus}_{cost}_ratio", value, bar, best=best, runs=done))
    edits = {name: edits_of_round(its, ROUND) for name, its in tried_on.items()}
    known = {name: value for name, value in edits.items() if value is not None}
    least = min(known, key=lambda name: known[name]) if known else None
    oks.append(
        _at_most(
            f"{corpus}_edits_of_round_{ROUND}",
            known[least] if least else None,
            PRELABELS,
            best=least,
            of_each=known,
            runs=done,
        )
    )
    value = (
        _ratio(rows[MIXTURE], rows["mnlp"], "edits") if {MIXTURE, "mnlp"} <= rows.keys() else None
    )
    oks.append(_at_most(f"{corpus}_edits_ratio", value, EDITS, mixture=MIXTURE, runs=done))
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


def _ratio(row: Row, other: Row, cost: str) -> float | None:
    one, two = row.needed[cost], other.needed[cost]
    return one / two if one is not None and two else None


def _at_most(
    name: str, value: float | None, bar: float, *, unit: str = "ratio", **more: Any
) -> bool:
    ok = value is not None and value <= bar
    _line(name, value, bar, ok, unit=unit, **more)
    return ok


def _line(name: str, value: float | None, bar: float | None, ok: bool, **more: Any) -> None:
    rounded = round(value, 4) if value is not None else None
    print(json.dumps({"name": name, "value": rounded, "bar": bar, "ok": ok, **more}), flush=True)


def _finished(replay: Replay) -> dict[str, Curves]:
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
