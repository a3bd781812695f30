"""The demo's documents: generated once, part of them with gold, the rest for people to label."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.sample.generate import SampleDocument, generate
from backend.workflow.imports.groups import GoldAs
from ml_backend.contract.messages import write_jsonl

DOCUMENTS, TRAIN_GOLD, RANDOM_GOLD, SEED = 3000, 450, 400, 7


@dataclass(frozen=True, slots=True)
class Corpus:
    """A team's state on its first day: gold of older texts, and newer texts that nobody labelled.

    The training gold comes from the sample's train part. The rest is half train part, half test
    part (other sentences, half of their mentions never seen): the held-out gold is drawn from it
    at random, so it may judge models, and the pool is what is left.
    """

    train_gold: Sequence[SampleDocument]
    random_gold: Sequence[SampleDocument]
    pool: Sequence[SampleDocument]  # its gold is what a perfect annotator would say

    def files(self, folder: Path) -> dict[str, tuple[Path, GoldAs | None]]:
        """Write a JSON Lines file a part: name → file and the `--gold` it is imported with."""
        parts: dict[str, tuple[Sequence[SampleDocument], GoldAs | None]] = {
            "training gold": (self.train_gold, "train"),
            "held-out gold": (self.random_gold, "random"),
            "pool": (self.pool, None),
        }
        files = {}
        for name, (documents, gold) in parts.items():
            path = folder / f"sample-{name.replace(' ', '-')}.jsonl"
            write_jsonl(path, (_record(document, gold is not None) for document in documents))
            files[name] = (path, gold)
        return files


def sample_corpus(
    documents: int = DOCUMENTS,
    train_gold: int = TRAIN_GOLD,
    random_gold: int = RANDOM_GOLD,
    seed: int = SEED,
) -> Corpus:
    """Generate the corpus; the same each time, so that a second start continues the first."""
    chance = random.Random(seed)
    older = list(generate((documents + train_gold) // 2, seed=seed))
    newer = list(generate(documents - len(older), seed=seed, part="test"))
    chance.shuffle(older)
    rest = older[train_gold:] + newer
    chance.shuffle(rest)
    return Corpus(older[:train_gold], rest[:random_gold], rest[random_gold:])


def _record(document: SampleDocument, with_gold: bool) -> dict[str, object]:
    record: dict[str, object] = {"id": document.id, "text": document.text}
    if with_gold:
        record["entities"] = [entity.to_dict() for entity in document.entities]
    return record
