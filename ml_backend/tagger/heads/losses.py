"""What a classifier of positions or of candidate spans is trained with: one loss for each text.

An item is a position or a candidate span. One class, `none`, says that nothing is there; as a rule
nearly every item is of it. Where a label was not annotated in a text, `none` may hide it: then the
probability of all that the gold allows counts, and which of it is true stays open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

LossName = Literal["cross-entropy", "focal", "dice"]
UNCOUNTED = -1  # the class of an item that is padding or of which nothing is known
_LEAST_DOUBT = 1e-7  # keeps the slope of (1 - p) ** gamma finite where p is 1 and gamma below 1


@dataclass(frozen=True, slots=True)
class LossOptions:
    """Which loss, and how it weighs items; raises ValueError for what contradicts itself.

    `negative_sampling` is the share of `none` items kept at each step, against gold in which
    entities were overlooked (Li, Liu & Shi 2021) and for speed. `label_weights` are one for each
    label, as `balanced_weights` makes them; without them all labels weigh 1, as `none` always does.
    """

    name: LossName = "cross-entropy"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0
    negative_sampling: float = 1.0
    label_weights: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.name not in get_args(LossName):
            known = ", ".join(get_args(LossName))
            raise ValueError(f"the loss must be one of {known}, not {self.name!r}")
        if not self.focal_gamma >= 0:
            raise ValueError(f"focal_gamma must be at least 0, not {self.focal_gamma}")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"label_smoothing must be at least 0 and below 1, not {self.label_smoothing}"
            )
        if not 0 < self.negative_sampling <= 1:
            raise ValueError(
                f"negative_sampling must be above 0 and at most 1, not {self.negative_sampling}"
            )
        if self.name == "dice" and self.label_smoothing:
            raise ValueError("label_smoothing means nothing to the dice loss: set it to 0")
        if self.label_weights is not None and not all(w > 0 for w in self.label_weights):
            raise ValueError(f"label_weights must all be above 0: {list(self.label_weights)}")

    def to_dict(self) -> dict[str, Any]:
        """As JSON, from which `LossOptions(**record)` is the same."""
        return asdict(self)


def balanced_weights(counts: Mapping[str, int], labels: Sequence[str]) -> list[float]:
    """A weight for each label, greater for rarer ones, from how often training gold has it.

    The inverse square root of the count, scaled so that gold entities weigh 1 on average and the
    learning rate keeps its meaning. Of the two usual softenings of inverse frequency it is the one
    that depends on proportions alone: the effective number of samples (Cui et al. 2019) holds a
    label for frequent beyond a fixed count, so its weights would change as a project grows.
    """
    seen = [max(1, counts.get(label, 0)) for label in labels]
    mean = sum(number**0.5 for number in seen) / sum(seen)
    return [number**-0.5 / mean for number in seen]


@dataclass(frozen=True, slots=True)
class ItemTargets:
    """The gold of a batch, item by item."""

    classes: Tensor  # (batch, items), UNCOUNTED where padding or unknown
    hidden: Tensor | None  # (batch, classes) bool: what `none` may hide in a text; None: nothing

    def to(self, device: torch.device) -> "ItemTargets":
        """The same on another device."""
        hidden = None if self.hidden is None else self.hidden.to(device)
        return ItemTargets(self.classes.to(device), hidden)


class TextLoss(nn.Module):
    """The loss of each text, summed over its items.

    `label_of` gives each class its label's place in the label set, None for `none`.
    """

    class_weights: Tensor  # (classes,)

    def __init__(self, options: LossOptions, label_of: Sequence[int | None]):
        super().__init__()
        self.options = options
        self.none = label_of.index(None)
        given = options.label_weights
        labels = {label for label in label_of if label is not None}
        if given is not None and len(given) != len(labels):
            raise ValueError(f"{len(given)} label_weights for {len(labels)} labels")
        weights = [1.0 if given is None or at is None else given[at] for at in label_of]
        self.register_buffer("class_weights", torch.tensor(weights), persistent=False)

    def forward(
        self, logits: Tensor, targets: ItemTargets, generator: torch.Generator | None = None
    ) -> Tensor:
        """(batch, items, classes) to (batch,); `generator` draws the negatives that are kept
        while training, torch's own for the device where it is None."""
        logits = logits.float()
        classes = targets.classes
        counted = classes != UNCOUNTED  # (batch, items)
        if self.training and self.options.negative_sampling < 1:
            draws = torch.rand(classes.shape, device=logits.device, generator=generator)
            counted &= (classes != self.none) | (draws < self.options.negative_sampling)
        scale = logits.logsumexp(2)  # (batch, items)
        truth = self._truth(logits, targets) - scale
        if self.options.name == "dice":
            return self._dice(logits - scale.unsqueeze(2), truth, targets, counted)
        losses = -truth
        if self.options.name == "focal":
            losses = focal(truth, self.options.focal_gamma)
        if self.options.label_smoothing:
            evenly = scale - logits.mean(2)
            losses = torch.lerp(losses, evenly, self.options.label_smoothing)
        losses = losses * self.class_weights[classes.clamp(min=0)]
        return losses.where(counted, 0.0).sum(1)

    def _truth(self, logits: Tensor, targets: ItemTargets) -> Tensor:
        """log of the summed weight of the classes that the gold allows each item."""
        classes = targets.classes
        gold = logits.gather(2, classes.clamp(min=0).unsqueeze(2)).squeeze(2)
        if targets.hidden is None:
            return gold
        allowed = targets.hidden.clone()  # (batch, classes)
        allowed[:, self.none] = True
        open_ = logits.masked_fill(~allowed.unsqueeze(1), -torch.inf).logsumexp(2)
        return torch.where(classes == self.none, open_, gold)

    def _dice(self, log_p: Tensor, truth: Tensor, targets: ItemTargets, counted: Tensor) -> Tensor:
        """`log_dice` of each text, where what may be hidden is no false alarm."""
        entity = counted & (targets.classes != self.none)
        weights = self.class_weights[targets.classes.clamp(min=0)].where(entity, 0.0)
        found = self.class_weights.repeat(len(log_p), 1)  # (batch, classes)
        found[:, self.none] = 0.0
        if targets.hidden is not None:
            found = found.masked_fill(targets.hidden, 0.0)
        mass = (log_p.exp() @ found.unsqueeze(2)).squeeze(2)  # (batch, items)
        return log_dice(truth, weights, mass.where(counted, 0.0))


def focal(log_p: Tensor, gamma: float) -> Tensor:
    """Cross-entropy that turns away from what is already right: -(1 - p)^gamma log p.

    Lin et al. 2017. The shape of `log_p`, the log probability of the truth.
    """
    doubt = (-torch.expm1(log_p)).clamp(min=_LEAST_DOUBT)
    return -(doubt**gamma) * log_p


def log_dice(truth: Tensor, weights: Tensor, mass: Tensor) -> Tensor:
    """The dice loss of each text, (batch,): a soft F1 over its entities, in logarithms.

    With n the weight of a text's gold entities, p the probability given to each and M all the
    probability given to entities in the text, true or false, the soft F1 is D = 2 Σp / (n + M).
    The loss is -Σ log p + n log((n + M) / 2n), which is never below -n log D and equal to it where
    the p are equal (Jensen); it is 0 exactly where every entity has probability 1 and nothing else
    has any. Its slope for a missed entity is that of cross-entropy and does not fade as p nears 0,
    as that of D itself does; its slope for false alarms is shared by the text, so that thousands of
    easy `none` items do not outweigh a few entities. What maximises F1 is no probability: what is
    true with chance q is given about q (n + M) / n, twice too much, which calibration mends.

    The version of the replaced systems (Biaffine-BERT-NER; after Li et al. 2020) diverged for
    three reasons. Its loss for an item of true class probability p is (1 - q) / (2 + q) with
    q = (1 - p)^α p and α 1, which is least at p = 1/2: the gradient drives every right answer
    above 1/2 back, and p = 0 is as good as p = 1, both without a slope. It is taken item by item,
    so there is no F1 in it and nothing offsets the imbalance. And `none` is a class to be found.

    `truth` (batch, items) is the log probability of the gold, `weights` its weight (0 for `none`),
    `mass` the weighted probability of entities at each item.
    """
    gold = weights.sum(1)
    missed = -(weights * truth).sum(1)
    size = gold.clamp(min=1.0)  # a text without entities still pays for false alarms
    return missed + size * ((size + mass.sum(1)) / (size + gold)).log()
