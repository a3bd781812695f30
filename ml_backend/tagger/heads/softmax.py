"""A head that tags each position by itself, and decodes to what the scheme allows."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.heads.head import Beliefs, Decoded
from ml_backend.tagger.heads.losses import UNCOUNTED, ItemTargets, LossOptions, TextLoss
from ml_backend.tagger.positions import Target
from ml_backend.tagger.scheme import SchemeName


class SoftmaxHead(nn.Module):
    """Independent tags: trained position by position, read as a CRF whose transitions are all 0.

    So its probabilities are exact under the independent model given that the sequence is legal,
    and no legal sequence is more probable than the one returned.
    """

    name: ClassVar[str] = "softmax"

    def __init__(
        self,
        labels: LabelSet,
        size: int,
        *,
        scheme: SchemeName = "BIOES",
        loss: dict[str, Any] | None = None,
    ):
        super().__init__()
        self.labels = labels
        self.chain = CrfHead(labels, size, scheme=scheme)
        self.chain.crf.requires_grad_(False)  # its transitions stay 0
        self.scheme = self.chain.scheme
        options = LossOptions(**loss or {})
        if options.negative_sampling < 1:
            raise ValueError("negative_sampling is for span heads: a softmax head sees all of O")
        order = {label: number for number, label in enumerate(labels)}
        self.text_loss = TextLoss(options, [order.get(label) for _, label in self.scheme.tags])

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON."""
        return {"scheme": self.scheme.name, "loss": self.text_loss.options.to_dict()}

    def transition_parameters(self) -> Iterator[nn.Parameter]:
        """None: they are not learned."""
        return iter(())

    def targets(self, targets: Sequence[Target], lengths: Sequence[int]) -> ItemTargets:
        """The tag of each position, (batch, positions).

        Raises ValueError for entities that overlap, lie outside, or have an unknown label.
        """
        classes = torch.full((len(targets), max(lengths)), UNCOUNTED)
        hidden = torch.zeros(len(targets), len(self.scheme.tags), dtype=torch.bool)
        for row, (target, length) in enumerate(zip(targets, lengths, strict=True)):
            tags = torch.tensor(self.scheme.encode(target.entities, length))
            known = torch.ones(length, dtype=torch.bool)
            for start, end in target.unknown:
                known[start:end] = False
            outside = tags == self.text_loss.none  # an entity is known wherever it lies
            classes[row, :length] = tags.where(known | ~outside, UNCOUNTED)
            hidden[row] = torch.tensor([label in target.missing for _, label in self.scheme.tags])
        return ItemTargets(classes, hidden if hidden.any() else None)

    def loss(self, states: Tensor, lengths: Tensor, targets: ItemTargets) -> Tensor:
        """The loss of each text over its positions, (batch,)."""
        losses: Tensor = self.text_loss(self.chain.emissions(states), targets)
        return losses

    def decode(self, states: Tensor, lengths: Tensor) -> list[Decoded]:
        """The most probable legal reading of each text, with exact probabilities."""
        return self.chain.decode(states, lengths)

    def beliefs(self, states: Tensor, lengths: Tensor) -> Iterator[Beliefs]:
        """What is believed of all texts at once, under the same model as decoding."""
        return self.chain.beliefs(states, lengths)
