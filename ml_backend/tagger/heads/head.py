"""What a head is: position vectors in, entities with probabilities out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.positions import Target


@dataclass(frozen=True, slots=True)
class Decoded:
    """A text's entities with their probabilities, the probability of the whole reading, and that
    of the text's holding no entity at all."""

    entities: list[Entity]
    confidence: float
    nothing: float = field(default=0.0, compare=False)


class Movable(Protocol):
    """What lies on a device."""

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        ...


class Head(Protocol):
    """Also an `nn.Module`. States are (batch, positions, size), lengths (batch,), at least 1.

    `cls(labels, size, **head.to_dict())` is a head of the same shape.
    """

    name: ClassVar[str]
    labels: LabelSet

    def to_dict(self) -> dict[str, Any]:
        """Its options as JSON."""
        ...

    def targets(self, targets: Sequence[Target], lengths: Sequence[int]) -> Any:
        """What `loss` compares with; it is Movable."""
        ...

    def loss(self, states: Tensor, lengths: Tensor, targets: Any) -> Tensor:
        """One loss a text, summed over its positions: (batch,)."""
        ...

    def decode(self, states: Tensor, lengths: Tensor) -> list[Decoded]:
        """The best reading of each text, in positions; entities sorted, and apart unless nested."""
        ...

    def transition_parameters(self) -> Iterator[nn.Parameter]:
        """Scores between neighbouring tags, which learn at a rate of their own; often none."""
        ...

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """As of `nn.Module`."""
        ...
