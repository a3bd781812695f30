"""Which examples each batch holds: a pure function of their lengths, a seed and the epoch.

Nothing is remembered between batches, so a resumed training and every process of a distributed
one know the plan without being told.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ml_backend.contract.training_config import TrainingConfig

_BUCKET = 8  # batches that are sorted by size together


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """A batch's number from the beginning of training, and the places of its examples.

    `epochs` is how often, in all, every example has been seen once the batch is through.
    """

    number: int
    examples: list[int]
    epochs: float


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """Batches of like size: at most `documents` texts and, padded, at most `characters`.

    `lengths` are the examples' characters; one that is over the budget has a batch to itself.
    `sizes` are what the encoder computes of each (see `Reader.sizes`), by which they are sorted.
    """

    lengths: Sequence[int]
    sizes: Sequence[int]
    documents: int
    characters: int
    seed: int

    @classmethod
    def of(
        cls,
        lengths: Sequence[int],
        sizes: Sequence[int],
        config: TrainingConfig,
        *,
        seed: int,
        together: int,
    ) -> "BatchPlan":
        """The plan for some gold, of which a step takes `together` batches.

        Small batches suit little gold; they double while the steps would not see it all.
        """
        documents = config.batch_documents
        while documents * 2 <= config.most_batch_documents and (
            config.epochs * len(lengths) > documents * together * config.max_steps
        ):
            documents *= 2
        return cls(lengths, sizes, documents, config.batch_characters, seed)

    def epoch(self, number: int) -> list[list[int]]:
        """The batches of one epoch, from 0: places of examples, each in exactly one batch."""
        rng = random.Random(f"batches {self.seed} {number}")
        order = list(range(len(self.lengths)))
        rng.shuffle(order)
        size = self.documents * _BUCKET
        batches = [
            batch
            for first in range(0, len(order), size)
            for batch in self._cut(order[first : first + size])
        ]
        rng.shuffle(batches)
        return batches

    def stream(self, first: int = 0) -> Iterator[PlannedBatch]:
        """Epoch after epoch without end, from batch number `first` on."""
        number = epoch = 0
        while True:
            batches = self.epoch(epoch)
            for place, examples in enumerate(batches, 1):
                if number >= first:
                    yield PlannedBatch(number, examples, epoch + place / len(batches))
                number += 1
            epoch += 1

    def steps(self, config: TrainingConfig, *, together: int) -> int:
        """Optimizer steps of a training whose steps take `together` batches each."""
        batches = 0
        for epoch in range(config.epochs):
            batches += len(self.epoch(epoch))
            if batches > config.max_steps * together:
                break
        return min(max(-(-batches // together), config.min_steps), config.max_steps)

    def _cut(self, bucket: list[int]) -> Iterator[list[int]]:
        batch: list[int] = []
        longest = 0
        for place in sorted(bucket, key=self.sizes.__getitem__):
            longest = max(longest, self.lengths[place])
            padded = (len(batch) + 1) * longest
            if batch and (len(batch) == self.documents or padded > self.characters):
                yield batch
                batch, longest = [], self.lengths[place]
            batch.append(place)
        yield batch
