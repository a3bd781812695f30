"""What a head is: position vectors in, entities with probabilities out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.positions import Target
from ml_backend.tagger.sketch import Sketch

LEAST_SURPRISE = 1e-3  # from which an item counts in a gradient: nearly all have next to none
SpanOfText = tuple[int, int, int]  # (text, start, end), the end exclusive


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


class Beliefs(Protocol):
    """What a head believes of some texts besides the best reading of each, without gradients.

    Positions beyond a text's length hold 0.
    """

    @property
    def labels(self) -> LabelSet: ...

    @property
    def lengths(self) -> Tensor: ...  # (texts,)

    def readings(self) -> list[Decoded]:
        """The best reading of each text, as of `Head.decode`."""
        ...

    def log_best_two(self) -> Tensor:
        """log P of each text's best and second best reading, (texts, 2), double."""
        ...

    def entropies(self) -> Tensor:
        """Of what each position can be, in nats: (texts, positions)."""
        ...

    def begins(self) -> Tensor:
        """Expected number of entities of a label that begin there: (texts, positions, labels)."""
        ...

    def of_spans(self, spans: Sequence[SpanOfText]) -> Tensor:
        """P of each span being an entity of each label, (spans, labels); not a number for spans
        that the head cannot find."""
        ...

    def of_tags(self, gold: Sequence[Target]) -> Tensor:
        """P of what gold says of each position, (texts, positions), all of a label that was not
        annotated counting as O; gold that the head cannot hold says nothing: 1."""
        ...

    def gradients(self, counted: Tensor, sketch: Sketch) -> Tensor:
        """The gradient of the loss by the last layer's weights if the best reading were gold,
        summed over the positions that are `counted` (texts, positions): (texts, sketch.size)."""
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

    def beliefs(self, states: Tensor, lengths: Tensor) -> Iterator[Beliefs]:
        """What is believed of the texts, of all at once or of some after the other, in order."""
        ...

    def transition_parameters(self) -> Iterator[nn.Parameter]:
        """Scores between neighbouring tags, which learn at a rate of their own; often none."""
        ...

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """As of `nn.Module`."""
        ...
