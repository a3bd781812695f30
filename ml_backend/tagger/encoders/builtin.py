"""The built-in encoder: characters, what the gold says of the strings around them, a lexicon.

It is read in both directions by LSTMs, trains from scratch on the gold at hand, needs nothing
downloaded and runs on a CPU.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from ml_backend.contract.entity import Entity
from ml_backend.contract.label_set import LabelSet
from ml_backend.tagger.encoders.spatial_dropout import SpatialDropout
from ml_backend.tagger.evidence import EvidenceFeatures
from ml_backend.tagger.features import CLASSES, JAMO, STRINGS, read
from ml_backend.tagger.knowledge import Knowledge
from ml_backend.tagger.lexicon import LexiconFeatures
from ml_backend.tagger.recurrent import BiRecurrent
from ml_backend.tagger.vocabulary import UNKNOWN, Vocabulary, numbers


@dataclass(frozen=True, slots=True)
class BuiltinConfig:
    """Labels, sizes and dropouts; `known_*` and `cells` follow from what is known."""

    labels: tuple[str, ...]
    known_symbols: int
    known_strings: int
    cells: int
    known_surfaces: int | None  # None: no lexicon
    gold_labels: int = 0
    listed_labels: int = 0
    known_words: int = 0  # with vectors of `vector_size`
    vector_size: int = 0
    symbol_size: int = 64
    class_size: int = 8
    jamo_size: int = 8
    evidence_size: int = 96
    lexicon_size: int = 64
    words_size: int = 128
    hidden: int = 128
    layers: int = 1
    dropout: float = 0.5
    symbol_dropout: float = 0.05
    evidence_dropout: float = 0.2
    lexicon_dropout: float = 0.1
    words_dropout: float = 0.2
    spatial_dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class CharacterBatch:
    """Features of a padded batch."""

    symbols: Tensor  # (batch, chars)
    classes: Tensor  # (batch, chars)
    jamo: Tensor  # (batch, chars, 3)
    strings: Tensor  # (batch, chars, STRINGS) rows of evidence
    evidence: Tensor  # (rows, kinds + 1)
    lexicon: Tensor | None  # (batch, chars, width)
    lengths: Tensor  # (batch,)
    places: None = None  # positions are characters

    def to(self, device: torch.device) -> "CharacterBatch":
        """The same on another device."""
        return CharacterBatch(
            self.symbols.to(device),
            self.classes.to(device),
            self.jamo.to(device),
            self.strings.to(device),
            self.evidence.to(device),
            None if self.lexicon is None else self.lexicon.to(device),
            self.lengths.to(device),
        )


@dataclass(frozen=True, slots=True)
class CharacterReader:
    """Reads texts by what is known."""

    knowledge: Knowledge

    def read(
        self, texts: Sequence[str], own: Sequence[Sequence[Entity]] | None = None
    ) -> CharacterBatch:
        """Read a batch of texts, none empty; `own` gold is left out of evidence and lexicon."""
        row, known = read(texts), self.knowledge
        inside = np.arange(row.lengths.max()) < row.lengths[:, None]  # (batch, chars)

        def padded(values: np.ndarray[Any, Any]) -> Tensor:
            result = np.zeros((*inside.shape, *values.shape[1:]), values.dtype)
            result[inside] = values
            return torch.from_numpy(result)

        values, strings = known.evidence.read(row, own)
        matched = None
        if known.lexicon is not None:
            matched = padded(known.lexicon.match(row, own, known.labels))
        return CharacterBatch(
            padded(numbers(known.vocabulary.symbols, row.symbols)),
            padded(row.classes),
            padded(row.jamo()),
            padded(strings),
            torch.from_numpy(values),
            matched,
            torch.from_numpy(row.lengths),
        )

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """The characters of each text."""
        return [len(text) for text in texts]


class BuiltinEncoder(nn.Module):
    """Texts to one vector for each character."""

    name: ClassVar[str] = "builtin"

    def __init__(self, config: BuiltinConfig):
        super().__init__()
        self.config = config
        self.register_buffer("symbols", torch.zeros(config.known_symbols, dtype=torch.long))
        self.symbol = nn.Embedding(config.known_symbols + 1, config.symbol_size)
        self.kind = nn.Embedding(len(CLASSES), config.class_size)
        self.jamo = nn.ModuleList(nn.Embedding(count, config.jamo_size) for count in JAMO)
        for table in (self.symbol, self.kind, *self.jamo):
            nn.init.normal_(table.weight, std=0.3)
        self.evidence = EvidenceFeatures(
            config.known_strings,
            config.cells,
            1 + 2 * len(config.labels),
            config.evidence_size,
            config.evidence_dropout,
        )
        read_size = config.symbol_size + config.class_size + len(JAMO) * config.jamo_size
        read_size += config.evidence_size
        self.lexicon: LexiconFeatures | None = None
        if config.known_surfaces is not None:
            self.lexicon = LexiconFeatures(config)
            read_size += self.lexicon.size
        self.spatial_dropout = SpatialDropout(config.spatial_dropout)
        self.dropout = nn.Dropout(config.dropout)
        self.lstm = nn.ModuleList(
            BiRecurrent(nn.LSTM, read_size if layer == 0 else 2 * config.hidden, config.hidden)
            for layer in range(config.layers)
        )
        self.size = 2 * config.hidden

    @classmethod
    def of(cls, knowledge: Knowledge, **sizes: Any) -> Self:
        """A new encoder with this knowledge; `sizes` are those of BuiltinConfig."""
        lexicon = knowledge.lexicon
        encoder = cls(
            BuiltinConfig(
                tuple(knowledge.labels),
                len(knowledge.vocabulary.symbols),
                len(knowledge.evidence.strings),
                int(np.count_nonzero(knowledge.evidence.counts)),
                **({"known_surfaces": None} if lexicon is None else lexicon.sizes()),
                **sizes,
            )
        )
        encoder.get_buffer("symbols").copy_(torch.from_numpy(knowledge.vocabulary.symbols))
        encoder.evidence.hold(knowledge.evidence)
        if encoder.lexicon is not None and lexicon is not None:
            encoder.lexicon.hold(lexicon)
        return encoder

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON."""
        return asdict(self.config)

    @classmethod
    def from_dict(cls, record: dict[str, Any], folder: Path) -> Self:
        """An untrained one of these sizes."""
        return cls(BuiltinConfig(**record | {"labels": tuple(record["labels"])}))

    def save_assets(self, folder: Path) -> None:
        """Nothing: what it knows is among its weights."""

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """None."""
        return iter(())

    def label_columns(self) -> dict[str, list[str]]:
        """Of the weights that have columns for labels, what each column stands for."""
        config = self.config
        kinds = [f"{kind} {label}" for label in config.labels for kind in ("begin", "inside")]
        kinds = ["outside", *kinds, "seen"]
        columns = {"evidence.mix.weight": [f"{n} {kind}" for n in range(STRINGS) for kind in kinds]}
        if self.lexicon is not None:
            columns["lexicon.mix.weight"] = self.lexicon.columns(config.labels)
        return columns

    def reader(self) -> CharacterReader:
        """Reads by what lives in the buffers."""
        labels = LabelSet(self.config.labels)
        lexicon = None if self.lexicon is None else self.lexicon.lexicon()
        vocabulary = Vocabulary(self.get_buffer("symbols").cpu().numpy())
        evidence = self.evidence.evidence(labels)
        return CharacterReader(Knowledge(labels, vocabulary, evidence, lexicon))

    def forward(self, batch: CharacterBatch) -> Tensor:
        """(batch, chars, size)"""
        symbols = batch.symbols
        if self.training and self.config.symbol_dropout:
            forgotten = torch.rand(symbols.shape, device=symbols.device)
            symbols = symbols.masked_fill(forgotten < self.config.symbol_dropout, UNKNOWN)
        features = [
            self.symbol(symbols),
            self.kind(batch.classes),
            *(table(batch.jamo[..., part]) for part, table in enumerate(self.jamo)),
            self.evidence(batch.evidence, batch.strings),
        ]
        if self.lexicon is not None:
            features.append(self.lexicon(batch.lexicon))
        states = torch.cat(features, dim=2)  # (batch, chars, read_size)
        states = self.spatial_dropout(states)
        for layer in self.lstm:
            states = layer(self.dropout(states), batch.lengths)
        result: Tensor = self.dropout(states.float())
        return result
