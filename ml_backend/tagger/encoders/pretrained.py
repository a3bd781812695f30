"""Any pretrained encoder of Hugging Face, one vector for each character.

The transformer reads its word pieces. A character's vector is its piece's, plus what the place in
the piece, the character itself and its neighbours add; where no piece covers it, that alone. With
unit `token` positions are the pieces themselves.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml_backend.tagger.encoders import hub
from ml_backend.tagger.encoders.piece_reader import DEPTHS, Frame, PieceBatch, PieceReader
from ml_backend.tagger.vocabulary import UNKNOWN, Vocabulary


@dataclass(frozen=True, slots=True)
class PretrainedConfig:
    """Sizes and dropouts of what is added to the transformer; `known_symbols` is counted."""

    unit: Literal["character", "token"] = "character"
    known_symbols: int = 0
    symbol_size: int = 64
    place_size: int = 16
    mix_size: int = 128
    dropout: float = 0.1
    symbol_dropout: float = 0.05


class PretrainedEncoder(nn.Module):
    """Texts to one vector for each character, or each token."""

    name: ClassVar[str] = "pretrained"

    def __init__(self, transformer: nn.Module, tokenizer: Any, config: PretrainedConfig):
        super().__init__()
        self.transformer, self.config = transformer, config
        self._tokenizer = tokenizer
        self.size: int = transformer.config.hidden_size  # type: ignore[union-attr, assignment]
        self.dropout = nn.Dropout(config.dropout)
        self.register_buffer("symbols", torch.zeros(config.known_symbols, dtype=torch.long))
        self.spread = Spread(self.size, config) if config.unit == "character" else None

    @classmethod
    def load(cls, source: str, texts: Sequence[str], **sizes: Any) -> "PretrainedEncoder":
        """The encoder of this name or folder, with its weights, for texts such as these.

        Raises PretrainedError.
        """
        transformer, tokenizer = hub.load(source)
        seen = Vocabulary.of(texts, least=2)
        config = PretrainedConfig(known_symbols=len(seen.symbols), **sizes)
        encoder = cls(transformer, tokenizer, config)
        encoder.get_buffer("symbols").copy_(torch.from_numpy(seen.symbols))
        return encoder

    def to_dict(self) -> dict[str, Any]:
        """The sizes as JSON."""
        return asdict(self.config)

    @classmethod
    def from_dict(cls, record: dict[str, Any], folder: Path) -> Self:
        """Untrained and of these sizes; transformer and tokenizer as the folder describes them."""
        return cls(*hub.load_untrained(folder), PretrainedConfig(**record))

    def save_assets(self, folder: Path) -> None:
        """Write the tokenizer and the transformer's configuration."""
        hub.save(self.transformer, self._tokenizer, folder)

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """The transformer's."""
        return self.transformer.parameters()

    def reader(self) -> PieceReader:
        """Reads with the tokenizer and, for characters, by the symbols that live in a buffer."""
        frame = Frame.of(
            self._tokenizer,
            known=self.transformer.config.vocab_size,  # type: ignore[union-attr, arg-type]
            longest=hub.longest_input(self.transformer),
        )
        if self.spread is None:
            return PieceReader(self._tokenizer, frame, None)
        symbols = self.get_buffer("symbols").cpu().numpy()
        return PieceReader(self._tokenizer, frame, Vocabulary(symbols))

    def forward(self, batch: PieceBatch) -> Tensor:
        """(batch, positions, size)"""
        read = self.transformer(input_ids=batch.ids, attention_mask=batch.mask)
        states = read.last_hidden_state.flatten(0, 1)  # (rows * tokens, size)
        vectors = functional.embedding(batch.first, states)  # (batch, positions, size)
        if batch.last is not None:
            vectors = (vectors + functional.embedding(batch.last, states)) / 2
        vectors = vectors.masked_fill(~batch.covered.unsqueeze(2), 0.0)
        if self.spread is not None:
            vectors = self.spread(vectors, batch)
        result: Tensor = self.dropout(vectors)
        return result


class Spread(nn.Module):
    """From the vectors of pieces to those of their characters.

    What tells the characters of a piece apart is narrowed, mixed with the neighbours', and added.
    """

    def __init__(self, size: int, config: PretrainedConfig):
        super().__init__()
        self.symbol_dropout = config.symbol_dropout
        self.front = nn.Embedding(DEPTHS + 1, config.place_size)
        self.back = nn.Embedding(DEPTHS + 1, config.place_size)
        self.symbol = nn.Embedding(config.known_symbols + 1, config.symbol_size)
        read_size = size + 2 * config.place_size + config.symbol_size
        self.narrow = nn.Linear(read_size, config.mix_size)
        self.mix = nn.Conv1d(config.mix_size, config.mix_size, kernel_size=3, padding=1)
        self.widen = nn.Linear(config.mix_size, size)
        self.dropout = nn.Dropout(config.dropout)
        for table in (self.front, self.back, self.symbol):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, vectors: Tensor, batch: PieceBatch) -> Tensor:
        """(batch, chars, size) to the same shape"""
        assert batch.front is not None
        assert batch.back is not None
        assert batch.symbols is not None
        symbols = batch.symbols
        if self.training and self.symbol_dropout:
            forgotten = torch.rand(symbols.shape, device=symbols.device) < self.symbol_dropout
            symbols = symbols.masked_fill(forgotten, UNKNOWN)
        known = [vectors, self.front(batch.front), self.back(batch.back), self.symbol(symbols)]
        narrow = functional.gelu(self.narrow(self.dropout(torch.cat(known, dim=2))))
        places = torch.arange(symbols.size(1), device=symbols.device)
        padding = places >= batch.lengths.unsqueeze(1)  # (batch, chars)
        narrow = narrow.masked_fill(padding.unsqueeze(2), 0.0)
        mixed = self.mix(narrow.transpose(1, 2)).transpose(1, 2)  # (batch, chars, mix_size)
        result: Tensor = vectors + self.widen(functional.gelu(mixed))
        return result
