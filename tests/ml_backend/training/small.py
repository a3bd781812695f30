"""Ten sentences and options under which they are learned in seconds."""

from dataclasses import replace

from backend.sample.generate import generate
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.training.dataset import Example, TrainingData

SMALL = {"hidden": 24, "symbol_size": 16, "evidence_size": 16, "learning_rate": 0.01, "looks": 2}


def ten_sentences() -> TrainingData:
    """Gold that is its own dev part."""
    gold = [
        GoldDocument(d.id, d.id, d.text, list(d.entities))
        for d in generate(40, seed=1)
        if d.entities and d.copy_of is None
    ][:10]
    labels = LabelSet(tuple(sorted({e.label for d in gold for e in d.entities})))
    return TrainingData(labels, [Example(d.text, d.entities) for d in gold], gold, len(gold))


def partly_annotated() -> TrainingData:
    """The same, of which one sentence was never annotated for one label."""
    data = ten_sentences()
    first, *others = data.train
    return replace(data, train=[replace(first, missing=frozenset(list(data.labels)[:1])), *others])


def options(**changed: object) -> TrainingConfig:
    """The small options, some of them changed."""
    return TrainingConfig.from_dict({**SMALL, **changed})
