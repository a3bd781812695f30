"""What a head that classifies candidate spans believes of texts besides their best readings.

Each candidate has a distribution of its own over none and the labels, and a text's probability is
their product. So what a position can be (O, or of a label) is not given by one distribution: it
is the expected number of entities of each label that cover it, which is scaled down where that
is more than 1; O is what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.head import LEAST_SURPRISE, Decoded, SpanOfText
from ml_backend.tagger.heads.second_best import second_apart, second_nested
from ml_backend.tagger.heads.spans import NONE, Spans, candidates
from ml_backend.tagger.positions import Target
from ml_backend.tagger.sketch import Sketch

Candidates = tuple[Tensor, Tensor, Tensor]  # of each its text, its start, and its width less 1


class SpanScorer(Protocol):
    """The head: what scores candidates by a last layer that is linear in some factors."""

    spans: Spans

    def factors(self, states: Tensor, where: Candidates) -> tuple[Tensor, ...]:
        """What the last layer multiplies for some candidates, each (n, its size)."""
        ...


@dataclass(frozen=True)
class SpanBeliefs:
    """Of some texts, see `Beliefs`; scores are (texts, positions, widths, classes)."""

    head: SpanScorer
    scores: Tensor
    states: Tensor  # (texts, positions, size)
    lengths: Tensor

    @property
    def labels(self) -> LabelSet:
        return self.head.spans.labels

    @cached_property
    def inside(self) -> Tensor:
        """Which candidates there are, (texts, positions, widths)."""
        return candidates(self.scores, self.lengths)

    @cached_property
    def log_chances(self) -> Tensor:
        """log P of each class of a candidate, (texts, positions, widths, classes); that of none
        is 0 where there is no candidate."""
        chances = self.scores.log_softmax(3)
        nothing = torch.full_like(chances[0, 0, 0], -torch.inf)
        nothing[NONE] = 0.0
        return chances.where(self.inside.unsqueeze(3), nothing)

    @cached_property
    def chances(self) -> Tensor:
        """P of each label of a candidate, (texts, positions, widths, labels)."""
        return self.log_chances[..., NONE + 1 :].exp()

    @cached_property
    def best(self) -> list[Decoded]:
        return self.head.spans.readings(self.scores, self.lengths)

    def readings(self) -> list[Decoded]:
        return self.best

    def log_best_two(self) -> Tensor:
        """Exact for entities that lie apart; of nested ones the second best reading is the best
        of those that one entity more, less or otherwise makes, without what crosses it."""
        nothing = self.log_chances[..., NONE].sum((1, 2), dtype=torch.double)
        weights = self.log_chances[..., NONE + 1 :] - self.log_chances[..., NONE : NONE + 1]
        best = weights.double().topk(min(2, weights.size(3)), dim=3).values
        best = functional.pad(best, (0, 2 - best.size(3)), value=-torch.inf)
        if not self.head.spans.nested:
            return nothing.unsqueeze(1) + second_apart(best, self.lengths)
        kept = [[(one.start, one.end) for one in reading.entities] for reading in self.readings()]
        return nothing.unsqueeze(1) + second_nested(best, kept)

    @cached_property
    def kinds(self) -> Tensor:
        """P of a position's being O or of a label, (texts, positions, 1 + labels)."""
        begun = self.chances.sum(2)  # (texts, positions, labels)
        ended = torch.zeros_like(begun)
        for width in range(1, self.chances.size(2) + 1):
            ended[:, width:] += self.chances[:, :-width, width - 1]
        covered = (begun - ended).cumsum(1).clamp(min=0)
        covered = covered / covered.sum(2, keepdim=True).clamp(min=1)
        return torch.cat([(1 - covered.sum(2, keepdim=True)).clamp(min=0), covered], dim=2)

    def entropies(self) -> Tensor:
        return self._in_texts(-torch.xlogy(self.kinds, self.kinds).sum(2))

    def begins(self) -> Tensor:
        return self.chances.sum(2)

    def of_spans(self, spans: Sequence[SpanOfText]) -> Tensor:
        widest, labels = self.chances.size(2), self.chances.size(3)
        where = torch.tensor(spans, device=self.scores.device).view(-1, 3)
        texts, starts, widths = where[:, 0], where[:, 1], where[:, 2] - where[:, 1]
        held = (widths <= widest).unsqueeze(1)
        found = self.chances[texts, starts, widths.clamp(max=widest) - 1]
        return found.where(held, torch.nan).view(-1, labels)

    def of_tags(self, gold: Sequence[Target]) -> Tensor:
        labels = self.head.spans.labels
        number = {label: place for place, label in enumerate(labels, 1)}
        missing = torch.tensor([[label in one.missing for label in labels] for one in gold])
        besides = self.kinds[..., 1:] * missing.unsqueeze(1).to(self.kinds)
        said = self._in_texts(self.kinds[..., 0] + besides.sum(2))
        for row, target in enumerate(gold):
            known = torch.ones_like(said[row])
            for start, end in target.unknown:
                said[row, start:end] = 1.0
            for entity in target.entities:
                here = slice(entity.start, entity.end)
                if entity.end - entity.start <= self.chances.size(2):
                    known[here] = known[here].minimum(self.kinds[row, here, number[entity.label]])
                said[row, here] = known[here]
        return said.clamp(max=1)

    def gradients(self, counted: Tensor, sketch: Sketch) -> Tensor:
        labels = {label: place for place, label in enumerate(self.head.spans.labels, NONE + 1)}
        surprise = (
            self.log_chances.exp()
        )  # gradient by the scores, (texts, positions, widths, classes)
        read = [
            (row, one.start, one.end - one.start - 1, labels[one.label])
            for row, reading in enumerate(self.readings())
            for one in reading.entities
        ]
        surprise[..., NONE] -= 1
        if read:
            texts, starts, widths, classes = torch.tensor(read, device=surprise.device).unbind(1)
            surprise[texts, starts, widths, NONE] += 1
            surprise[texts, starts, widths, classes] -= 1
        some = (surprise.abs().amax(3) > LEAST_SURPRISE) & self.inside & counted.bool().unsqueeze(2)
        texts, starts, widths = some.nonzero(as_tuple=True)
        factors = self.head.factors(self.states.float(), (texts, starts, widths))
        parts = sketch.product(surprise[some], *factors)
        sums = parts.new_zeros(len(self.lengths), sketch.size)
        return sums.index_add_(0, texts, parts)

    def _in_texts(self, of_positions: Tensor) -> Tensor:
        places = torch.arange(of_positions.size(1), device=of_positions.device)
        return of_positions.masked_fill(places >= self.lengths.unsqueeze(1), 0.0)
