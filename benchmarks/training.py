"""What a second of training reads: our loop against the systems', with one and the same encoder.

The encoder is as large as ELECTRA-small and its weights are random; texts and gold are kmounlp's.
The systems' way, written here as they do it: pad to 128 pieces, tag pieces, pytorch-crf without a
mask, decode at every step for a figure on the progress bar, in single precision. Ours is `fit`
with the character CRF, which answers for every character besides, in bfloat16. The two take turns
on one core; the ratio is of the texts' own characters a second of processor time, so that what
else the machine does is not counted, and the median over the rounds.
"""

import ml_backend  # first of all: see there  # isort: skip  # noqa: F401
import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import BertWordPieceTokenizer
from torch import Tensor, nn
from torchcrf import CRF
from transformers import AutoModel, AutoTokenizer, ElectraConfig, ElectraModel, ElectraTokenizerFast

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.contract.snapshot import GoldDocument
from ml_backend.contract.training_config import TrainingConfig
from ml_backend.training.batches import BatchPlan
from ml_backend.training.dataset import Example, TrainingData
from ml_backend.training.fit import Step, fit
from ml_backend.training.network import new_model

BAR = 7.0
CORPUS = Path(__file__).parents[2] / "shared" / "corpora" / "kmounlp-train.jsonl"
TEXTS, PADDED = 4000, 128
THEIR_BATCH, THEIR_STEPS, OUR_STEPS, ROUNDS = 32, 2, 4, 3
OURS = {
    "head": "crf",
    "batch_documents": 256,  # a batch is what the budget of characters allows
    "most_batch_documents": 256,
    "batch_characters": 8192,
    "looks": 1,
    "save_every": 1000,
}


def main() -> int:
    """Print the figure as JSON; 1 when the bar is missed."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--precision", default="bf16", choices=["fp32", "bf16"])
    options.add_argument("--rounds", type=int, default=ROUNDS)
    given = options.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="goldloop-bench-") as name:
        examples = new_encoder(Path(name), corpus())
        theirs = TheirTraining(Path(name), examples)
        ratios = []
        for turn in range(given.rounds):
            rates = {}
            for side in ("ours", "theirs") if turn % 2 else ("theirs", "ours"):
                if side == "theirs":
                    rates[side] = theirs.rate(turn)
                else:
                    rates[side] = our_rate(Path(name), examples, given.precision, turn)
            ratios.append(rates["ours"] / rates["theirs"])
            said = ", ".join(f"{side} {rate:.0f} characters/s" for side, rate in rates.items())
            print(f"round {turn}: {said}: {ratios[-1]:.2f}", file=sys.stderr)
    ratio = round(statistics.median(ratios), 2)
    ok = ratio >= BAR
    print(
        json.dumps({"name": "tokens_ratio", "value": ratio, "bar": BAR, "unit": "ratio", "ok": ok})
    )
    return 0 if ok else 1


def corpus() -> list[Example]:
    """Some of kmounlp's texts, in an order of their own."""
    with CORPUS.open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    random.Random(0).shuffle(records)
    return [
        Example(r["text"], [Entity(e["start"], e["end"], e["label"]) for e in r["entities"]])
        for r in records
    ]


def new_encoder(folder: Path, examples: Sequence[Example]) -> list[Example]:
    """Write an ELECTRA-small with random weights and a tokenizer for these texts into the folder;
    returns the texts that both sides read whole."""
    pieces = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    pieces.train_from_iterator([one.text for one in examples], 32000, show_progress=False)
    pieces.save_model(str(folder))
    tokenizer = ElectraTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=False)
    tokenizer.save_pretrained(folder)
    config = ElectraConfig(
        vocab_size=len(tokenizer),
        embedding_size=128,
        hidden_size=256,
        num_hidden_layers=12,
        num_attention_heads=4,
        intermediate_size=1024,
    )
    ElectraModel(config).save_pretrained(folder)
    lengths = [len(ids) for ids in tokenizer([one.text for one in examples])["input_ids"]]
    fits = [one for one, length in zip(examples, lengths, strict=True) if length <= PADDED]
    mean = statistics.mean(length for length in lengths if length <= PADDED)
    print(f"{len(tokenizer)} pieces, {mean:.1f} of them a text", file=sys.stderr)
    return fits[:TEXTS]


def our_rate(folder: Path, examples: list[Example], precision: str, seed: int) -> float:
    """Characters a second of `fit`, from the end of its first step to the end of the last but one:
    the first is slower, and the last waits for the score on dev."""
    steps = OUR_STEPS + 2
    config = TrainingConfig.from_dict(
        {
            **OURS,
            "encoder": str(folder),
            "precision": precision,
            "min_steps": steps,
            "max_steps": steps,
        }
    )
    labels = LabelSet(tuple(sorted({e.label for one in examples for e in one.entities})))
    dev = [GoldDocument("d", "d", examples[0].text, examples[0].entities)]
    data = TrainingData(labels, examples, dev, len(examples))
    ends: list[float] = []

    def watch(step: Step) -> None:
        ends.append(time.process_time())

    fit(data, config, seed=seed, device=torch.device("cpu"), watch=watch)
    texts = [one.text for one in examples]
    lengths, sizes = (
        [len(text) for text in texts],
        new_model(data, config).encoder.reader().sizes(texts),
    )
    plan = BatchPlan.of(lengths, sizes, config, seed=seed, together=1)
    batches = islice(plan.stream(first=1), OUR_STEPS)
    characters = sum(lengths[place] for one in batches for place in one.examples)
    return characters / (ends[OUR_STEPS] - ends[0])


class TheirTraining:
    """A training script as the systems have it."""

    def __init__(self, folder: Path, examples: Sequence[Example]):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.examples = examples
        labels = sorted({e.label for one in examples for e in one.entities})
        self.tags = {"O": 0} | {
            f"{kind}-{label}": 1 + 2 * number + place
            for number, label in enumerate(labels)
            for place, kind in enumerate("BI")
        }
        self.model = TheirModel(folder, len(self.tags)).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=5e-5, weight_decay=0.01)

    def rate(self, turn: int) -> float:
        """Characters a second over some steps, the first left out."""
        ends, characters = [], 0
        for step in range(THEIR_STEPS + 1):
            first = (turn * (THEIR_STEPS + 1) + step) * THEIR_BATCH
            examples = [self.examples[(first + i) % len(self.examples)] for i in range(THEIR_BATCH)]
            self.step(*self.encoded(examples))
            ends.append(time.process_time())
            characters += sum(len(one.text) for one in examples) if step else 0
        return characters / (ends[-1] - ends[0])

    def encoded(self, examples: Sequence[Example]) -> tuple[dict[str, Tensor], Tensor]:
        """Pieces and their tags, padded to 128."""
        texts = [one.text for one in examples]
        read = self.tokenizer(
            texts,
            padding="max_length",
            truncation=True,
            max_length=PADDED,
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        tags = torch.zeros(len(texts), PADDED, dtype=torch.long)
        for row, (one, offsets) in enumerate(
            zip(examples, read.pop("offset_mapping"), strict=True)
        ):
            for entity in one.entities:
                inside = [
                    place
                    for place, (start, end) in enumerate(offsets.tolist())
                    if entity.start <= start < end and start < entity.end
                ]
                for number, place in enumerate(inside):
                    tags[row, place] = self.tags[f"{'I' if number else 'B'}-{entity.label}"]
        return dict(read), tags

    def step(self, read: dict[str, Tensor], tags: Tensor) -> float:
        """One step and its share of right tags, as the progress bar shows it."""
        self.optimizer.zero_grad()
        emissions = self.model(read)
        loss = -self.model.crf(emissions, tags, reduction="mean")
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        guessed = torch.tensor(self.model.crf.decode(emissions))
        return (guessed == tags).float().mean().item()


class TheirModel(nn.Module):
    """The encoder, dropout, a layer and pytorch-crf."""

    def __init__(self, folder: Path, tags: int):
        super().__init__()
        self.encoder: Any = AutoModel.from_pretrained(folder)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(self.encoder.config.hidden_size, tags)
        self.crf = CRF(tags, batch_first=True)

    def forward(self, read: dict[str, Tensor]) -> Tensor:
        """(batch, 128, tags)"""
        result: Tensor = self.classifier(self.dropout(self.encoder(**read).last_hidden_state))
        return result


if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    sys.exit(main())
