"""Choosing a round's batch: the very strategies that select documents for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from backend.workflow.replay.folder import Round
from backend.workflow.replay.rounds import candidates, gold_of, learned, write_prediction
from backend.workflow.selection.cost import expected_edits
from backend.workflow.strategies.features import Features, Floats, make_features
from backend.workflow.strategies.mixtures import choose
from backend.workflow.strategies.strategy import Need
from ml_backend.contract.messages import read_jsonl


def prepare_prediction(round: Round) -> None:
    """Write the job folder of the predictions that the next batch is chosen by."""
    wanted = round.needs | ({Need.SCORES, Need.VECTORS} if round.shared else set())
    ids = candidates(round)
    if not wanted:  # chance needs no more than the pre-labels
        ids = ids[: round.run.replay.config.batch]
    elif Need.VECTORS in wanted:  # diversity is from what people have seen
        ids = ids + learned(round)
    write_prediction(round, ids, scores=bool(wanted), dropout=Need.DROPOUT in wanted)


def choose_batch(round: Round) -> list[str]:
    """Ids of the next batch in the order of choice, from the round's finished predictions."""
    run = round.run
    config = run.replay.config
    mixture = config.mixtures[run.strategy]
    ids = candidates(round)
    if not round.needs:
        ids = ids[: config.batch]
    features = _features(round, ids)
    return [ids[place] for place in choose(mixture, features, config.batch)]


def _features(round: Round, ids: Sequence[str]) -> Features:
    """What the strategies know of candidates, in their order."""
    gold = gold_of(round.run.replay)
    records = list(read_jsonl(round.prediction.output))
    row = {record["id"]: place for place, record in enumerate(records)}
    rows = np.array([row[id] for id in ids], dtype=np.int64)
    known = np.array([row[id] for id in learned(round) if id in row], dtype=np.int64)
    chosen = [records[place] for place in rows]
    lengths = [len(gold.pool[id].text) for id in ids]

    def array(need: Need, which: np.ndarray[Any, Any]) -> Floats | None:
        path = {
            Need.VECTORS: round.prediction.vectors,
            Need.GRADIENTS: round.prediction.gradients,
        }[need]
        return np.load(path)[which].astype(np.float32) if need in round.needs else None

    return make_features(
        [_number(id) for id in ids],
        lengths,
        [one.get("scores") for one in chosen],
        gold.labels.labels,
        wanted=lacking(round),
        seconds=round.run.replay.config.cost_model.seconds(lengths, *_expected(chosen)),
        vectors=array(Need.VECTORS, rows),
        known=array(Need.VECTORS, known),
        gradients=array(Need.GRADIENTS, rows),
        seed=round.run.seed * 1000 + round.number,
    )


def _expected(records: Sequence[Mapping[str, Any]]) -> tuple[list[float], list[float]]:
    """Gold entities and edits that predictions lead to expect: (n,), (n,)"""
    told = [[entity["probability"] for entity in one["entities"]] for one in records]
    entities = [
        sum((one.get("scores") or {}).get("expected", {}).values()) or sum(found)
        for one, found in zip(records, told, strict=True)
    ]
    return entities, list(map(expected_edits, told, entities))


def lacking(round: Round) -> dict[str, float]:
    """How many entities each label lacks to its target, in what people have seen."""
    gold = gold_of(round.run.replay)
    counts = Counter(e.label for id in learned(round) for e in gold.pool[id].entities)
    target = round.run.replay.config.label_target
    return {label: float(max(0, target - counts[label])) for label in gold.labels}


def _number(id: str) -> int:
    """A number for a document's id, by which strategies break ties."""
    return int.from_bytes(sha256(id.encode()).digest()[:7])
