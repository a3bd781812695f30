"""What heads that classify candidate spans have in common: all but the scores.

A candidate is a start and a width of up to `max_width` positions; it is `none` or of one label.
The model of a text is the product of its candidates' distributions. Grids of candidates are
(batch, positions, widths): [b, s, w] is the range from s up to and including s + w.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.head import Decoded
from ml_backend.tagger.heads.losses import UNCOUNTED, ItemTargets, LossOptions, TextLoss
from ml_backend.tagger.heads.scheduling import first_conflict, heaviest_apart, heaviest_nested
from ml_backend.tagger.positions import Target

NONE = 0  # the class of a candidate that is no entity; a label's class is its place and 1
_NONE_AT_FIRST = 0.99  # what an untrained head believes of a candidate
_CHUNK = 1 << 24  # floats that scoring may hold at a time, besides the scores


class Spans(nn.Module):
    """Targets, loss and decoding of candidate spans, for a head that scores them.

    `nested` gold may lie within other gold and is found so; otherwise entities are apart. An
    entity wider than `max_width` is no candidate: it is neither learned nor found.
    """

    def __init__(
        self, labels: LabelSet, *, max_width: int, nested: bool = False, loss: dict[str, Any]
    ):
        super().__init__()
        if max_width < 1:
            raise ValueError(f"max_width must be at least 1 position, not {max_width}")
        self.labels = labels
        self.max_width, self.nested = max_width, nested
        self.text_loss = TextLoss(LossOptions(**loss), [None, *range(len(labels))])

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON."""
        return {
            "max_width": self.max_width,
            "nested": self.nested,
            "loss": self.text_loss.options.to_dict(),
        }

    @property
    def classes(self) -> int:
        """How many scores a candidate has: one for `none`, then the labels'."""
        return len(self.labels) + 1

    def targets(self, targets: Sequence[Target], lengths: Sequence[int]) -> ItemTargets:
        """The class of each candidate, (batch, positions * widths).

        A candidate that touches an unknown range is not counted unless it is gold. Raises
        ValueError for entities that lie outside, have an unknown label, or overlap (if nested:
        cross, or share their range).
        """
        places = torch.arange(max(lengths)).unsqueeze(1)  # (positions, 1)
        ends = places + 1 + torch.arange(min(self.max_width, max(lengths)))  # (positions, widths)
        inside = ends <= torch.tensor(lengths)[:, None, None]
        classes = torch.where(inside, NONE, UNCOUNTED)  # (batch, positions, widths)
        hidden = torch.zeros(len(targets), self.classes, dtype=torch.bool)
        numbers = {label: number for number, label in enumerate(self.labels, 1)}
        for row, (target, length) in enumerate(zip(targets, lengths, strict=True)):
            self._check(target.entities, length)
            for start, end in target.unknown:
                classes[row].masked_fill_((places < end) & (ends > start), UNCOUNTED)
            for entity in target.entities:
                if entity.end - entity.start <= self.max_width:
                    width = entity.end - entity.start - 1
                    classes[row, entity.start, width] = numbers[entity.label]
            hidden[row, [numbers[label] for label in target.missing if label in numbers]] = True
        return ItemTargets(classes.flatten(1), hidden if hidden.any() else None)

    def loss(self, scores: Tensor, targets: ItemTargets) -> Tensor:
        """The loss of each text, (batch,), from (batch, positions, widths, classes)."""
        losses: Tensor = self.text_loss(scores.flatten(1, 2), targets)
        return losses

    @torch.no_grad()
    def decode(
        self, score: Callable[[Tensor], Tensor], states: Tensor, lengths: Tensor
    ) -> list[Decoded]:
        """The most probable set of spans of each text: of those without overlaps, or, if nested,
        of those that do not cross.

        The weight of a candidate is log P(its likeliest label) - log P(none), so the heaviest set
        is the most probable one. An entity's probability is that of its label in its candidate's
        distribution; the confidence is the probability of exactly this set, over all candidates.
        """
        decoded: list[Decoded] = []
        for some in self.slices(states):
            decoded += self.readings(score(states[some]).float(), lengths[some])
        return decoded

    def slices(self, states: Tensor) -> Iterator[slice]:
        """As many texts at a time as bounded memory allows."""
        floats = states.size(1) * min(self.max_width, states.size(1)) * self.classes
        texts = max(1, _CHUNK // floats)
        for first in range(0, len(states), texts):
            yield slice(first, first + texts)

    def readings(self, scores: Tensor, lengths: Tensor) -> list[Decoded]:
        """The most probable set of spans of each text that was scored, as of `decode`."""
        inside = candidates(scores, lengths)
        scale = scores.logsumexp(3)
        best, label = scores[..., NONE + 1 :].max(3)
        none = scores[..., NONE]
        nothing = (none - scale).where(inside, 0.0).sum((1, 2), dtype=torch.double).tolist()
        worth = (best > none) & inside
        where = worth.nonzero()  # (found, 3)
        found = zip(
            where.tolist(),
            label[worth].tolist(),
            (best - none)[worth].tolist(),
            (best - scale)[worth].exp().tolist(),
            strict=True,
        )
        rows: list[list[tuple[Entity, float]]] = [[] for _ in nothing]
        for (row, start, width), number, weight, probability in found:
            name = self.labels.labels[number]
            rows[row].append((Entity(start, start + width + 1, name, probability), weight))
        return [
            self._best(row, log_nothing) for row, log_nothing in zip(rows, nothing, strict=True)
        ]

    def _best(self, candidates: list[tuple[Entity, float]], log_nothing: float) -> Decoded:
        choose = heaviest_nested if self.nested else heaviest_apart
        spans = [(entity.start, entity.end) for entity, _ in candidates]
        kept = [candidates[place] for place in choose(spans, [weight for _, weight in candidates])]
        log_probability = log_nothing + sum(weight for _, weight in kept)
        chances = (math.exp(min(0.0, one)) for one in (log_probability, log_nothing))
        return Decoded([entity for entity, _ in kept], *chances)

    def _check(self, entities: Sequence[Entity], length: int) -> None:
        for entity in entities:
            if not 0 <= entity.start < entity.end <= length or entity.label not in self.labels:
                raise ValueError(f"{entity.key} is no entity of {length} positions and this set")
        conflict = first_conflict(entities, nested=self.nested)
        if conflict is not None:
            raise ValueError(f"{conflict[0].key} and {conflict[1].key} cannot both be")


def candidates(scores: Tensor, lengths: Tensor) -> Tensor:
    """Which candidates lie in their text, (batch, positions, widths), of scores of a batch."""
    _, positions, widths, _ = scores.shape
    starts = torch.arange(positions, device=scores.device).unsqueeze(1)
    ends = starts + torch.arange(1, widths + 1, device=scores.device)
    return ends <= lengths[:, None, None]


def scored(
    starts: Tensor,
    ends: Tensor,
    *,
    max_width: int,
    floats: int,
    score: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """Score every candidate, (batch, positions, widths, classes), in bounded memory.

    `score` takes some positions' starts (batch, some, size) and, for each, the ends of its
    candidates (batch, some, widths, size; zero beyond the text), and holds about `floats` numbers
    a position meanwhile. Where that is too much for all at once, positions are scored in chunks,
    and once more for the gradient instead of keeping them.
    """
    batch, positions, _ = starts.shape
    widths = min(max_width, positions)
    padded = functional.pad(ends, (0, 0, 0, widths - 1))
    windows = padded.unfold(1, widths, 1).transpose(2, 3)  # (batch, positions, widths, size)
    some = max(1, _CHUNK // (batch * floats))
    if some >= positions:
        return score(starts, windows)
    parts: list[Tensor] = []
    for first in range(0, positions, some):
        chunk = starts[:, first : first + some], windows[:, first : first + some]
        parts.append(checkpoint(score, *chunk, use_reentrant=False, preserve_rng_state=False))
    return torch.cat(parts, dim=1)


def none_at_first(classes: int) -> Tensor:
    """A bias for the classes under which an untrained head takes nearly every candidate for none,
    as nearly every one is: training does not begin with a flood of false alarms.

    (classes,); the prior of Lin et al. 2017.
    """
    chances = torch.full((classes,), (1 - _NONE_AT_FIRST) / (classes - 1))
    chances[NONE] = _NONE_AT_FIRST
    return chances.log()
