"""What an encoder is: texts in, one vector for each position out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from ml_backend.contract.entity import Entity
from ml_backend.tagger.positions import Range


class Batch(Protocol):
    """Texts read and padded.

    `lengths` (batch,) counts each text's positions, at least 1. `places` says which characters
    each position covers; None: position i is character i.
    """

    @property
    def lengths(self) -> Tensor: ...

    @property
    def places(self) -> Sequence[Sequence[Range]] | None: ...

    def to(self, device: torch.device) -> Self:
        """The same on another device."""
        ...


class Reader(Protocol):
    """Reads texts for an encoder. It holds no parameters and changes nothing in itself."""

    def read(self, texts: Sequence[str], own: Sequence[Sequence[Entity]] | None = None) -> Any:
        """A batch of texts, none empty, each of at most a window's characters.

        While training, `own` is the texts' own gold, so that what was learned from it in advance
        (a lexicon) can be left out.
        """
        ...

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """How many vectors the encoder computes for each text: what is padded in a batch."""
        ...


class Encoder(Protocol):
    """Also an `nn.Module`."""

    name: ClassVar[str]
    size: int  # of a position's vector
    dropout: nn.Dropout  # of the vectors, while training

    def reader(self) -> Reader:
        """What reads for this encoder; taken once, because some of it lives in buffers."""
        ...

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """Those that come trained, and learn at a rate of their own; the built-in's do not."""
        ...

    def label_columns(self) -> dict[str, list[str]]:
        """Of the weights that have columns for labels, what each column stands for."""
        ...

    def __call__(self, batch: Any) -> Tensor:
        """(batch, positions, size)"""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Its shape as JSON."""
        ...

    def save_assets(self, folder: Path) -> None:
        """Write what else it needs besides weights: a tokenizer."""
        ...

    @classmethod
    def from_dict(cls, record: dict[str, Any], folder: Path) -> Self:
        """Untrained and of the shape that `to_dict` described; assets are read from the folder."""
        ...
