"""The first training of a project: what it reaches on texts it has not seen, and what it costs.

The demo's 450 gold documents (`goldloop sample`, train part) train the default configuration; the
sample's test part, other sentences with half of their mentions never seen, scores it. `micro_f1`
is strict; `seconds` is the trainer's own, on as many cores as one training process uses.
"""

import json
import sys
import tempfile
from pathlib import Path

from backend.demo.corpus import sample_corpus
from backend.sample.generate import SampleDocument, generate
from backend.sample.lexicon import LABELS
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.messages import JobFolder, TrainRequest
from ml_backend.contract.model_store import ModelStore
from ml_backend.contract.scoring import score
from ml_backend.contract.snapshot import GoldDocument, write_snapshot
from ml_backend.tagger.predict import Tagger
from ml_backend.training.run import train

TEST_DOCUMENTS, SEED = 2000, 23
F1_BAR, SECONDS_BAR = 0.70, 90.0


def main() -> int:
    """Measure once and print the figures; 1 when a bar is missed."""
    found = measure()
    figures = [
        ("micro_f1", F1_BAR, "F1", found["micro_f1"] >= F1_BAR),
        ("recall_seen", None, "recall", True),
        ("recall_unseen", None, "recall", True),
        ("seconds", SECONDS_BAR, "s", found["seconds"] <= SECONDS_BAR),
    ]
    for name, bar, unit, ok in figures:
        record = {"name": name, "value": round(found[name], 4), "bar": bar, "unit": unit, "ok": ok}
        print(json.dumps(record))
    return 0 if all(ok for *_, ok in figures) else 1


def measure() -> dict[str, float]:
    """Train as a worker would, and score the version as it is stored."""
    test = list(generate(TEST_DOCUMENTS, seed=SEED, part="test"))
    with tempfile.TemporaryDirectory() as name:
        job, store = JobFolder(Path(name) / "job"), Path(name) / "models"
        parts = {"train": _gold(sample_corpus().train_gold), "dev": [], "gate": []}
        write_snapshot(job.snapshot, parts, LabelSet(tuple(LABELS)))
        job.write_request(TrainRequest("bench", "v1", str(store)))
        train(str(job.path))
        result = job.result()
        tagger = Tagger.load(ModelStore(store).version_folder("bench", "v1"))
    assert result is not None
    predicted = [found.entities for found in tagger.predict([one.text for one in test])]
    found = [set(entities) for entities in predicted]
    return {
        "micro_f1": score([list(one.entities) for one in test], predicted).micro.f1,
        "recall_seen": _recall(test, found, unseen=False),
        "recall_unseen": _recall(test, found, unseen=True),
        "seconds": float(result.figures["seconds"]),
    }


def _gold(documents: list[SampleDocument]) -> list[GoldDocument]:
    return [GoldDocument(one.id, one.id, one.text, list(one.entities)) for one in documents]


def _recall(test: list[SampleDocument], found: list[set], unseen: bool) -> float:
    hits = [
        entity in predicted
        for document, predicted in zip(test, found, strict=True)
        for entity, is_unseen in zip(document.entities, document.unseen or (), strict=True)
        if is_unseen == unseen
    ]
    return sum(hits) / len(hits)


if __name__ == "__main__":
    sys.exit(main())
