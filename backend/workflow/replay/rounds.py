"""A round of a replay: what its training learns, what the next batch is chosen from, what it tells.

Everything that is written appears whole or not at all, so that a round which was broken off, or the
first one, which all runs of a seed make at once, comes out the same.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from hashlib import sha256
from pathlib import Path
from typing import Any

from backend.errors import InvalidInputError
from backend.workflow.replay.annotator import Work, annotate
from backend.workflow.replay.config import FULL
from backend.workflow.replay.folder import STORE_KEY, Replay, Round
from backend.workflow.replay.gold import DEV, POOL, TEST
from backend.workflow.replay.points import Point
from backend.workflow.replay.staging import put, staging
from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.messages import (
    JobFolder,
    PredictRequest,
    TrainRequest,
    read_jsonl,
    write_jsonl,
)
from ml_backend.contract.scoring import bootstrap, score
from ml_backend.contract.snapshot import GoldDocument, read_manifest, read_part, write_snapshot

RESAMPLES = 200  # of the held-out documents, for a point's interval
DROPOUT_PASSES = 6


@dataclass(frozen=True)
class Gold:
    """The gold of a replay, by document."""

    labels: LabelSet
    pool: Mapping[str, GoldDocument]
    dev: Sequence[GoldDocument]
    test: Sequence[GoldDocument]


def gold_of(replay: Replay) -> Gold:
    """What the replay goes through, read once a process; raises SnapshotError."""
    return _gold(replay.gold)


def start_of(replay: Replay, seed: int) -> list[str]:
    """The documents that every run of a seed begins with, drawn at random."""
    ids = sorted(gold_of(replay).pool)
    start = replay.config.start
    if len(ids) < start + replay.config.batch:
        raise InvalidInputError(
            f"the pool has {len(ids)} documents: too few for {start} to start with and a batch of "
            f"{replay.config.batch}"
        )
    return _rng("start", seed).sample(ids, start)


def learned(round: Round) -> list[str]:
    """Ids of the documents that a round's tagger learns from, in the order they were annotated."""
    run = round.run
    if run.strategy == FULL:
        return sorted(gold_of(run.replay).pool)
    return [*start_of(run.replay, run.seed), *run.seen(round.number)]


def candidates(round: Round) -> list[str]:
    """Documents of the pool that a round's tagger reads, in an order of chance."""
    run = round.run
    left = sorted(set(gold_of(run.replay).pool).difference(learned(round)))
    _rng("candidates", run.seed, round.number).shuffle(left)
    return left[: run.replay.config.candidates]


def write_training(round: Round) -> None:
    """The job folder of the round's training: its tagger judges itself on the held-out gold."""
    replay, gold = round.run.replay, gold_of(round.run.replay)
    folder = round.training.path
    if (folder / "request.json").exists():
        return
    made = JobFolder(staging(folder))
    chosen = [gold.pool[id] for id in sorted(learned(round))]
    write_snapshot(made.snapshot, {POOL: chosen, DEV: gold.dev, TEST: gold.test}, gold.labels)
    made.write_request(
        TrainRequest(
            STORE_KEY,
            round.version,
            str(replay.store.root.resolve()),
            seed=round.run.seed,
            config=dict(replay.config.learner),
        )
    )
    put(folder, made.path)


def write_prediction(round: Round, ids: Sequence[str], *, scores: bool, dropout: bool) -> None:
    """The job folder of the predictions that the next batch is chosen by."""
    folder = round.prediction.path
    if (folder / "request.json").exists():
        return
    gold, store = gold_of(round.run.replay), round.run.replay.store
    made = JobFolder(staging(folder))
    write_jsonl(made.input, ({"id": id, "text": gold.pool[id].text} for id in ids))
    passes = DROPOUT_PASSES if scores and dropout else 0
    request = PredictRequest(STORE_KEY, round.version, str(store.root.resolve()), scores, passes)
    made.write_request(request)
    put(folder, made.path)


def measure(round: Round) -> Point:
    """The round's point of the curve: its tagger on held-out gold, and the work until then."""
    gold = gold_of(round.run.replay)
    records = list(read_jsonl(round.training.gate_predictions(round.version)))
    assert [record["id"] for record in records] == [one.id for one in gold.test]
    found = [
        document.judged(_entities(record["entities"]))
        for document, record in zip(gold.test, records, strict=True)
    ]
    wanted = [document.entities for document in gold.test]
    scores = score(wanted, found)
    interval = bootstrap(wanted, found, resamples=RESAMPLES)
    batch = _work(round)
    before = _before(round)
    return Point(
        round.number,
        batch if before is None else before + batch,
        batch,
        scores.micro.f1,
        (interval.low, interval.high),
        scores.macro_f1,
        {
            label: {"f1": counts.f1, "support": counts.support}
            for label, counts in scores.per_label.items()
        },
    )


def prelabels(folder: JobFolder, ids: Sequence[str]) -> dict[str, list[Entity]]:
    """What a prediction job says of some documents."""
    asked = set(ids)
    return {
        record["id"]: _entities(record["entities"])
        for record in read_jsonl(folder.output)
        if record["id"] in asked
    }


def _work(round: Round) -> Work:
    """What the person did for this round: from an empty page at first, from pre-labels later."""
    pool, person = gold_of(round.run.replay).pool, round.run.replay.config.cost_model
    if round.number == 0:
        ids: Sequence[str] = learned(round)
        shown: Mapping[str, list[Entity]] = {}
    else:
        before = round.run.round(round.number - 1)
        ids = before.chosen()
        shown = prelabels(before.prediction, ids)
    works = (
        annotate(
            len(pool[id].text),
            pool[id].entities,
            pool[id].judged(shown.get(id, ())),
            person,
        )
        for id in ids
    )
    return reduce(Work.__add__, works, Work())


def _before(round: Round) -> Work | None:
    return round.run.round(round.number - 1).read_point().done if round.number else None


def _entities(records: Sequence[Mapping[str, Any]]) -> list[Entity]:
    return [Entity(one["start"], one["end"], one["label"]) for one in records]


def _rng(*what: object) -> random.Random:
    return random.Random(sha256(" ".join(map(str, what)).encode()).hexdigest())


@lru_cache(maxsize=2)
def _gold(folder: Path) -> Gold:
    manifest = read_manifest(folder)
    parts = {part: list(read_part(folder, part)) for part in (POOL, DEV, TEST)}
    return Gold(manifest.labels, {one.id: one for one in parts[POOL]}, parts[DEV], parts[TEST])
