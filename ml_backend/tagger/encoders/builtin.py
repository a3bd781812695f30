"""The built-in encoder: characters and the strings around them, read in both directions.

It trains from scratch on the gold at hand, needs nothing downloaded and runs on a CPU.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml_backend.contract.entity import Entity
from ml_backend.tagger.features import CLASSES, STRINGS, read
from ml_backend.tagger.vocabulary import UNKNOWN, Vocabulary


@dataclass(frozen=True, slots=True)
class BuiltinConfig:
    """Sizes and dropouts; what `known_*` count comes from the vocabulary."""

    known_symbols: int
    known_strings: int
    symbol_size: int = 64
    string_size: int = 64
    class_size: int = 8
    hidden: int = 128
    layers: int = 1
    dropout: float = 0.4
    symbol_dropout: float = 0.05
    string_dropout: float = 0.3


@dataclass(frozen=True, slots=True)
class CharacterBatch:
    """Features of a padded batch."""

    symbols: Tensor  # (batch, chars)
    classes: Tensor  # (batch, chars)
    strings: Tensor  # (batch, chars, STRINGS)
    lengths: Tensor  # (batch,)
    places: None = None  # positions are characters

    def to(self, device: torch.device) -> "CharacterBatch":
        """The same on another device."""
        return CharacterBatch(
            self.symbols.to(device),
            self.classes.to(device),
            self.strings.to(device),
            self.lengths.to(device),
        )


@dataclass(frozen=True, slots=True)
class CharacterReader:
    """Reads texts by a vocabulary."""

    vocabulary: Vocabulary

    def read(
        self, texts: Sequence[str], own: Sequence[Sequence[Entity]] | None = None
    ) -> CharacterBatch:
        """Read a batch of texts, none empty."""
        lengths = np.array([len(text) for text in texts])
        symbols, classes, strings = self.vocabulary.numbers(read(texts))
        inside = np.arange(lengths.max()) < lengths[:, None]  # (batch, chars)

        def padded(values: np.ndarray[Any, Any]) -> Tensor:
            result = np.zeros((*inside.shape, *values.shape[1:]), np.int64)
            result[inside] = values
            return torch.from_numpy(result)

        return CharacterBatch(
            padded(symbols), padded(classes), padded(strings), torch.from_numpy(lengths)
        )


class BuiltinEncoder(nn.Module):
    """Texts to one vector for each character."""

    name: ClassVar[str] = "builtin"

    def __init__(self, config: BuiltinConfig):
        super().__init__()
        self.config = config
        self.register_buffer("symbols", torch.zeros(config.known_symbols, dtype=torch.long))
        self.register_buffer("strings", torch.zeros(config.known_strings, dtype=torch.long))
        self.symbol = nn.Embedding(config.known_symbols + 1, config.symbol_size)
        self.string = nn.Embedding(config.known_strings + 1, config.string_size, padding_idx=0)
        self.kind = nn.Embedding(len(CLASSES), config.class_size)
        read_size = config.symbol_size + config.string_size + config.class_size
        self.dropout = nn.Dropout(config.dropout)
        self.lstm = nn.ModuleList(
            TwoWays(read_size if layer == 0 else 2 * config.hidden, config.hidden)
            for layer in range(config.layers)
        )
        self.size = 2 * config.hidden
        nn.init.normal_(self.symbol.weight, std=0.3)
        nn.init.normal_(self.kind.weight, std=0.3)
        nn.init.zeros_(self.string.weight)

    @classmethod
    def for_vocabulary(cls, vocabulary: Vocabulary, **sizes: Any) -> "BuiltinEncoder":
        """A new encoder that knows this vocabulary."""
        known = len(vocabulary.symbols), len(vocabulary.strings)
        encoder = cls(BuiltinConfig(*known, **sizes))
        encoder.get_buffer("symbols").copy_(torch.from_numpy(vocabulary.symbols))
        encoder.get_buffer("strings").copy_(torch.from_numpy(vocabulary.strings))
        return encoder

    def to_dict(self) -> dict[str, Any]:
        """The sizes as JSON."""
        return asdict(self.config)

    @classmethod
    def from_dict(cls, record: dict[str, Any], folder: Path) -> Self:
        """An untrained one of these sizes."""
        return cls(BuiltinConfig(**record))

    def save_assets(self, folder: Path) -> None:
        """Nothing: what it knows is among its weights."""

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """None."""
        return iter(())

    def reader(self) -> CharacterReader:
        """Reads by the vocabulary that lives in the buffers."""
        symbols, strings = self.get_buffer("symbols"), self.get_buffer("strings")
        return CharacterReader(Vocabulary(symbols.cpu().numpy(), strings.cpu().numpy()))

    def forward(self, batch: CharacterBatch) -> Tensor:
        """(batch, chars, size)"""
        config = self.config
        symbols, strings = batch.symbols, batch.strings
        if self.training:
            symbols = _forget(symbols, config.symbol_dropout)
            strings = _forget(strings, config.string_dropout)
        # (batch, chars, read_size)
        bag = functional.embedding_bag(
            strings.flatten(0, 1), self.string.weight, mode="sum", padding_idx=UNKNOWN
        )
        bag = bag.view(*symbols.shape, -1) / STRINGS**0.5
        states = torch.cat([self.symbol(symbols), bag, self.kind(batch.classes)], dim=2)
        for layer in self.lstm:
            states = layer(self.dropout(states), batch.lengths)
        result: Tensor = self.dropout(states)
        return result


class TwoWays(nn.Module):
    """An LSTM from each side; the one from the end begins at each text's own end."""

    def __init__(self, size: int, hidden: int):
        super().__init__()
        self.onward = nn.LSTM(size, hidden, batch_first=True)
        self.back = nn.LSTM(size, hidden, batch_first=True)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """(batch, chars, size) to (batch, chars, 2 * hidden)"""
        places = torch.arange(states.size(1), device=states.device)
        mirrored = (lengths.unsqueeze(1) - 1 - places) % states.size(1)  # its own inverse
        turn = mirrored.unsqueeze(2)
        reversed_states = states.gather(1, turn.expand_as(states))
        onward, _ = self.onward(states)
        back, _ = self.back(reversed_states)
        return torch.cat([onward, back.gather(1, turn.expand_as(back))], dim=2)


def _forget(numbers: Tensor, share: float) -> Tensor:
    """Make a share of the features unknown, as many are in new text."""
    if not share:
        return numbers
    return numbers.masked_fill(torch.rand(numbers.shape, device=numbers.device) < share, UNKNOWN)
