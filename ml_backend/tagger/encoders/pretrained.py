"""Any pretrained encoder of Hugging Face, one vector for each character.

The transformer reads its word pieces. A character's vector is its piece's, plus what the place in
the piece, the character itself, a lexicon and its neighbours add; where no piece covers it, that
alone. With unit `token` positions are the pieces themselves.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.encoders import hub
from ml_backend.tagger.encoders.piece_reader import DEPTHS, Frame, PieceBatch, PieceReader
from ml_backend.tagger.encoders.spatial_dropout import SpatialDropout
from ml_backend.tagger.lexicon import Lexicon, LexiconFeatures
from ml_backend.tagger.vocabulary import UNKNOWN, Vocabulary

Unit = Literal["character", "token"]


@dataclass(frozen=True, slots=True)
class PretrainedConfig:
    """Labels, and sizes and dropouts of what is added to the transformer; `known_*` follow from
    what is known."""

    labels: tuple[str, ...]
    unit: Unit = "character"
    known_symbols: int = 0
    known_surfaces: int | None = None  # None: no lexicon
    gold_labels: int = 0
    listed_labels: int = 0
    known_words: int = 0  # with vectors of `vector_size`
    vector_size: int = 0
    symbol_size: int = 64
    place_size: int = 16
    lexicon_size: int = 64
    words_size: int = 128
    mix_size: int = 128
    dropout: float = 0.1
    symbol_dropout: float = 0.05
    lexicon_dropout: float = 0.1
    words_dropout: float = 0.2
    spatial_dropout: float = 0.0


class PretrainedEncoder(nn.Module):
    """Texts to one vector for each character, or each token."""

    name: ClassVar[str] = "pretrained"

    def __init__(self, transformer: nn.Module, tokenizer: Any, config: PretrainedConfig):
        super().__init__()
        self.transformer, self.config = transformer, config
        self._tokenizer = tokenizer
        shape: Any = transformer.config
        self.size: int = shape.hidden_size
        self._ids: int = shape.vocab_size
        self._longest = hub.longest_input(transformer)
        self.register_buffer("symbols", torch.zeros(config.known_symbols, dtype=torch.long))
        in_characters = config.unit == "character"
        self.characters = CharacterFeatures(config) if in_characters else None
        self.lexicon: LexiconFeatures | None = None
        if config.known_surfaces is not None:
            self.lexicon = LexiconFeatures(config)
        read_size = self.characters.size if self.characters is not None else 0
        read_size += self.lexicon.size if self.lexicon is not None else 0
        self.mixer = Mixer(self.size, read_size, config) if read_size else None
        self.spatial_dropout = SpatialDropout(config.spatial_dropout)
        self.dropout = nn.Dropout(config.dropout)

    @classmethod
    def load(
        cls,
        source: str,
        labels: LabelSet,
        vocabulary: Vocabulary,
        lexicon: Lexicon | None = None,
        *,
        unit: Unit = "character",
        **sizes: Any,
    ) -> Self:
        """The encoder of this name or folder with its weights; `sizes` are PretrainedConfig's.

        Raises PretrainedError.
        """
        transformer, tokenizer = hub.load(source)
        config = PretrainedConfig(
            tuple(labels),
            unit,
            len(vocabulary.symbols) if unit == "character" else 0,
            **({} if lexicon is None else lexicon.sizes()),
            **sizes,
        )
        encoder = cls(transformer, tokenizer, config)
        if encoder.characters is not None:
            encoder.get_buffer("symbols").copy_(torch.from_numpy(vocabulary.symbols))
        if encoder.lexicon is not None and lexicon is not None:
            encoder.lexicon.hold(lexicon)
        return encoder

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON."""
        return asdict(self.config)

    @classmethod
    def from_dict(cls, record: dict[str, Any], folder: Path) -> Self:
        """Untrained and of these sizes; transformer and tokenizer as the folder describes them."""
        config = PretrainedConfig(**record | {"labels": tuple(record["labels"])})
        return cls(*hub.load_untrained(folder), config)

    def save_assets(self, folder: Path) -> None:
        """Write the tokenizer and the transformer's configuration."""
        hub.save(self.transformer, self._tokenizer, folder)

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """The transformer's."""
        return self.transformer.parameters()

    def label_columns(self) -> dict[str, list[str]]:
        """Of the weights that have columns for labels, what each column stands for."""
        if self.lexicon is None:
            return {}
        return {"lexicon.mix.weight": self.lexicon.columns(self.config.labels)}

    def reader(self) -> PieceReader:
        """Reads with the tokenizer, and by what lives in the buffers."""
        vocabulary = Vocabulary(self.get_buffer("symbols").cpu().numpy())
        return PieceReader(
            self._tokenizer,
            Frame.of(self._tokenizer, known=self._ids, longest=self._longest),
            LabelSet(self.config.labels),
            None if self.characters is None else vocabulary,
            None if self.lexicon is None else self.lexicon.lexicon(),
        )

    def forward(self, batch: PieceBatch) -> Tensor:
        """(batch, positions, size)"""
        read = self.transformer(input_ids=batch.ids, attention_mask=batch.mask)
        states = read.last_hidden_state.flatten(0, 1)  # (rows * tokens, size)
        states = functional.pad(states, (0, 0, 0, 1))  # zeros, where no piece covers a position
        first = batch.first.where(batch.covered, len(states) - 1)
        vectors = functional.embedding(first, states)  # (batch, positions, size)
        if batch.last is not None:
            last = batch.last.where(batch.covered, len(states) - 1)
            vectors = (vectors + functional.embedding(last, states)) / 2
        vectors = self.spatial_dropout(vectors)
        features: list[Tensor] = []
        if self.characters is not None:
            features.append(self.characters(batch))
        if self.lexicon is not None:
            features.append(self.lexicon(batch.lexicon))
        if self.mixer is not None:
            vectors = self.mixer(vectors, torch.cat(features, dim=2), batch.lengths)
        result: Tensor = self.dropout(vectors)
        return result


class CharacterFeatures(nn.Module):
    """What tells the characters of a piece apart: where in it they are, and which they are."""

    def __init__(self, config: PretrainedConfig):
        super().__init__()
        self.symbol_dropout = config.symbol_dropout
        self.front = nn.Embedding(DEPTHS + 1, config.place_size)
        self.back = nn.Embedding(DEPTHS + 1, config.place_size)
        self.symbol = nn.Embedding(config.known_symbols + 1, config.symbol_size)
        self.size = 2 * config.place_size + config.symbol_size
        for table in (self.front, self.back, self.symbol):
            nn.init.normal_(table.weight, std=0.3)

    def forward(self, batch: PieceBatch) -> Tensor:
        """(batch, chars, size)"""
        assert batch.front is not None
        assert batch.back is not None
        assert batch.symbols is not None
        symbols = batch.symbols
        if self.training and self.symbol_dropout:
            forgotten = torch.rand(symbols.shape, device=symbols.device) < self.symbol_dropout
            symbols = symbols.masked_fill(forgotten, UNKNOWN)
        known = [self.front(batch.front), self.back(batch.back), self.symbol(symbols)]
        return torch.cat(known, dim=2)


class Mixer(nn.Module):
    """Adds to each position's vector what its features and its neighbours make of it."""

    def __init__(self, size: int, features: int, config: PretrainedConfig):
        super().__init__()
        self.narrow = nn.Linear(size + features, config.mix_size)
        self.mix = nn.Conv1d(config.mix_size, config.mix_size, kernel_size=3, padding=1)
        self.widen = nn.Linear(config.mix_size, size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, vectors: Tensor, features: Tensor, lengths: Tensor) -> Tensor:
        """(batch, positions, size) and (batch, positions, features) to the shape of the first"""
        read = self.dropout(torch.cat([vectors, features], dim=2))
        narrow = functional.gelu(self.narrow(read))  # (batch, positions, mix_size)
        places = torch.arange(narrow.size(1), device=lengths.device)
        padding = places >= lengths.unsqueeze(1)
        narrow = narrow.masked_fill(padding.unsqueeze(2), 0.0)
        mixed = self.mix(narrow.transpose(1, 2)).transpose(1, 2)
        result: Tensor = vectors + self.widen(functional.gelu(mixed))
        return result
