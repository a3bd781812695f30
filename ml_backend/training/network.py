"""An untrained network for the gold at hand, as the options ask for it."""

from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.encoders.encoder import Encoder
from ml_backend.tagger.heads.crf import CrfHead
from ml_backend.tagger.heads.head import Head
from ml_backend.tagger.model import Model
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.training.config import TrainingConfig
from ml_backend.training.dataset import TrainingData


def new_model(data: TrainingData, config: TrainingConfig) -> Model:
    """Encoder and head; what they have to know of the data (vocabulary, widths) is counted."""
    encoder = _encoder(data, config)
    return Model(encoder, _head(data, config, encoder.size))


def _encoder(data: TrainingData, config: TrainingConfig) -> Encoder:
    vocabulary = Vocabulary.of(
        [example.text for example in data.train],
        least_symbols=config.least_symbols,
        least_strings=config.least_strings,
        most_strings=config.most_strings,
    )
    return BuiltinEncoder.for_vocabulary(
        vocabulary,
        symbol_size=config.symbol_size,
        string_size=config.string_size,
        hidden=config.hidden,
        layers=config.layers,
        dropout=config.dropout,
        symbol_dropout=config.symbol_dropout,
        string_dropout=config.string_dropout,
    )


def _head(data: TrainingData, config: TrainingConfig, size: int) -> Head:
    return CrfHead(data.labels, size, scheme=config.scheme)
