"""An untrained network for the gold at hand, as the options ask for it."""

from collections import Counter
from typing import Any

from ml_backend.tagger.encoders.builtin import BuiltinEncoder
from ml_backend.tagger.encoders.encoder import Encoder
from ml_backend.tagger.encoders.pretrained import PretrainedEncoder
from ml_backend.tagger.heads.head import Head
from ml_backend.tagger.heads.losses import LossOptions, balanced_weights
from ml_backend.tagger.model import HEADS, Model
from ml_backend.tagger.vocabulary import Vocabulary
from ml_backend.tagger.windows import WINDOW
from ml_backend.training.config import SPAN_HEADS, TrainingConfig
from ml_backend.training.dataset import TrainingData


def new_model(data: TrainingData, config: TrainingConfig, champion: Model | None = None) -> Model:
    """Encoder and head; what they have to know of the data (vocabulary, widths) is counted.

    With a champion to go on from, the built-in encoder knows besides what that one knew.
    """
    encoder = _encoder(data, config, champion)
    return Model(encoder, _head(data, config, encoder.size))


def _encoder(data: TrainingData, config: TrainingConfig, champion: Model | None) -> Encoder:
    texts = [example.text for example in data.train]
    if config.encoder != BuiltinEncoder.name:
        return PretrainedEncoder.load(config.encoder, texts, unit=config.unit)
    vocabulary = Vocabulary.of(
        texts,
        least_symbols=config.least_symbols,
        least_strings=config.least_strings,
        most_strings=config.most_strings,
    )
    if champion is not None and isinstance(champion.encoder, BuiltinEncoder):
        vocabulary = vocabulary.joined(champion.encoder.reader().vocabulary)
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
    head: Head = HEADS[config.head](data.labels, size, **_head_options(data, config))
    return head


def _head_options(data: TrainingData, config: TrainingConfig) -> dict[str, Any]:
    """What the head's constructor takes, by the kind of head."""
    inside = {"hidden": config.head_hidden, "dropout": config.head_dropout}
    if config.head not in SPAN_HEADS:
        options: dict[str, Any] = {"scheme": config.scheme}
        if config.head == "softmax":
            options["loss"] = _loss_options(data, config)
        elif config.head != "crf":
            options |= inside
        return options
    widths = [e.end - e.start for example in data.train for e in example.entities]
    options = {
        **inside,
        "max_width": config.max_width or min(max(widths), WINDOW),
        "nested": config.nested,
        "loss": _loss_options(data, config),
    }
    if config.head == "biaffine":
        options["positions"] = config.positions
    return options


def _loss_options(data: TrainingData, config: TrainingConfig) -> dict[str, Any]:
    weights = None
    if config.class_weights == "balanced":
        counts = Counter(e.label for example in data.train for e in example.entities)
        weights = balanced_weights(counts, data.labels.labels)
    return LossOptions(
        name=config.loss,
        focal_gamma=config.focal_gamma,
        label_smoothing=config.label_smoothing,
        negative_sampling=config.negative_sampling,
        label_weights=weights,
    ).to_dict()
