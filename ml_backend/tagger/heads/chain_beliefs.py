"""What a chain believes of texts besides their best readings: all of it exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.chain.scores import Scores
from ml_backend.tagger.heads.head import LEAST_SURPRISE, Decoded, SpanOfText
from ml_backend.tagger.positions import Target
from ml_backend.tagger.sketch import Sketch

if TYPE_CHECKING:
    from ml_backend.tagger.heads.crf import CrfHead


@dataclass(frozen=True)
class ChainBeliefs:
    """Of one batch, see `Beliefs`; states are (texts, positions, size).

    What a position can be is a tag: where an entity begins, goes on and ends is part of it. The
    last layer is the one that emits.
    """

    head: "CrfHead"
    states: Tensor
    lengths: Tensor

    @property
    def labels(self) -> LabelSet:
        return self.head.labels

    @cached_property
    def scores(self) -> Scores:
        """Of all sequences of tags."""
        return self.head.crf.scores(self.head.emissions(self.states), self.lengths)

    @cached_property
    def marginals(self) -> Tensor:
        """P(tag at position), packed: (total, tags)."""
        return self.scores.marginals()

    @cached_property
    def best(self) -> tuple[Tensor, Tensor]:
        """The most probable tags, (texts, positions), and their log probabilities, (texts,)."""
        return self.scores.most_probable()

    def readings(self) -> list[Decoded]:
        return self.head.readings(self.scores, *self.best)

    def log_best_two(self) -> Tensor:
        _, best = self.best
        return torch.stack([best, best - self.scores.second_gaps()], dim=1)

    def entropies(self) -> Tensor:
        return self._unpacked(-torch.xlogy(self.marginals, self.marginals).sum(1))

    def begins(self) -> Tensor:
        tags, labels = self.head.scheme.tags, self.head.labels
        is_begin = [[kind in "BS" and name == label for label in labels] for kind, name in tags]
        return self._unpacked(self.marginals @ self.marginals.new_tensor(is_begin))

    def of_spans(self, spans: Sequence[SpanOfText]) -> Tensor:
        labels = self.head.labels
        each = [(*span, label) for span in spans for label in labels]
        found = self.head.log_probability_of(self.scores, each).exp().clamp(max=1)
        return found.view(len(spans), len(labels))

    def of_tags(self, gold: Sequence[Target]) -> Tensor:
        scheme, outside = self.head.scheme, self.head.outside
        padded = self._unpacked(self.marginals)  # (texts, positions, tags)
        said = torch.zeros_like(padded[..., 0])
        for row, (target, length) in enumerate(zip(gold, self.lengths.tolist(), strict=True)):
            tags = torch.tensor(scheme.encode(target.entities, length), device=said.device)
            own = padded[row, :length].gather(1, tags.unsqueeze(1)).squeeze(1)
            missing = [name in target.missing for _, name in scheme.tags]
            besides = padded[row, :length, torch.tensor(missing)].sum(1)
            said[row, :length] = own + besides.where(tags == outside, 0.0)
            for start, end in target.unknown:
                said[row, start:end] = 1.0
        return said.clamp(max=1)

    def gradients(self, counted: Tensor, sketch: Sketch) -> Tensor:
        packing, tags = self.scores.packing, self.best[0]
        # the gradient by each position's emissions, (total, tags)
        surprise = self.marginals.float().clone()
        best = packing.pack(tags).unsqueeze(1)
        surprise.scatter_add_(1, best, -torch.ones_like(best, dtype=surprise.dtype))
        some = (surprise.abs().amax(1) > LEAST_SURPRISE) & packing.pack(counted).bool()
        parts = sketch.product(surprise[some], packing.pack(self.states)[some].float())
        sums = parts.new_zeros(len(self.lengths), sketch.size)
        return sums.index_add_(0, packing.texts[some], parts)

    def _unpacked(self, packed: Tensor) -> Tensor:
        return self.scores.packing.unpack(packed)
